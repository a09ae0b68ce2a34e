    -- Codes in a message that tell errors apart, though they are numbers: of HTTP, of programs that ended, of databases.
    arraySort(arrayDistinct(arrayConcat(
        extractAll(error_message, '(?i)\\b(?:status(?: ?code)?|http(?:/[0-9.]+)?)["\']?[ :=]{1,3}["\']?([1-5][0-9]{2})\\b'),
        extractAll(error_message, '(?i)\\b(?:(?:exit|error|return|response)[ _]?(?:code|status)|(?:ended|exited|failed) with (?:code|status)(?: code)?|errno|sqlstate)["\']?[ :=]{1,3}["\']?(-?[0-9]{1,5}|[0-9A-Z]{5})\\b'),
        extractAll(error_message, '\\bORA-[0-9]{5}\\b'))))
