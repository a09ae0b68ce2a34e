/** A worker thread that fails. */
throw new RangeError('no invoice');
