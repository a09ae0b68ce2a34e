/** What the decoding of one request carries along. */
import { OriginEncoder, type RowContext } from '../rows/origin-columns.ts';
import { Tally } from '../rows/tally.ts';

export class Request {
  readonly tally = new Tally();
  readonly origins: OriginEncoder;
  readonly receivedAtMs: number;

  constructor(context: RowContext) {
    this.origins = new OriginEncoder(context);
    this.receivedAtMs = context.receivedAtMs;
  }
}
