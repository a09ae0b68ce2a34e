    -- The message of an error without what differs from case to case. All of it leaves the same sign. The order counts.
    replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(replaceRegexpAll(
        -- The client itself, wherever it stands as a word. A pattern that differs from row to row is compiled for each: only
        -- where the client is named at all.
        if(client_id != '' AND position(error_message, client_id) > 0,
            replaceRegexpAll(error_message, concat('(^|\\W)', regexpQuoteMeta(client_id), if(match(client_id, '\\w$'), '\\b', '')), '\\1#'),
            error_message),
        -- Addresses: the host tells errors apart, what follows it does not.
        '(?i)\\bfile://[^\\s\'"<>]*', '#'),
        '([a-zA-Z][a-zA-Z0-9+.-]*://)(?:[^\\s/@\'"]*@)?([^\\s/?\'"<>:,;)]+)[^\\s\'"<>]*', '\\1\\2'),
        '[\\w.%+-]+@[\\w-]+(?:\\.[\\w-]+)+', '#'),
        -- Paths: whole where they are quoted, to the next space where not.
        '([\'"`])(?:[A-Za-z]:[/\\\\]|\\.{0,2}/|~/|\\\\\\\\)[^\'"`\\n]*([\'"`])', '\\1#\\2'),
        '(^|[\\s(\\[{<=:,|>])(?:[A-Za-z]:[/\\\\]|\\.{0,2}/|~/|\\\\\\\\)[^\\s/\'"`,;:)\\]}>][^\\s\'"`,;:)\\]}>]*', '\\1#'),
        '[\\w.-]+(?:[/\\\\][\\w.-]+)+\\.[A-Za-z]\\w{0,4}\\b', '#'),
        -- Network addresses, with and without a port; times would eat them, and they eat what is left of times.
        '\\b[0-9]{1,3}(?:\\.[0-9]{1,3}){3}(?::[0-9]+)?\\b', '#'),
        -- Times: ISO 8601, RFC 1123 and what JavaScript writes, logs, local forms, times of day.
        '[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})\\b)?', '#'),
        '(?i)\\b(?:(?:mon|tue|tues|wed|wednes|thu|thurs|fri|sat|satur|sun)(?:day)?,? )?(?:(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]* [0-9]{1,2}|[0-9]{1,2}[ /-](?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)[ ,/:-]+[0-9]{4}(?:[ ,T:]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]+)?)?(?: ?[ap]m\\b)?)?(?: ?(?:utc|gmt|z)\\b)?(?: ?[+-][0-9]{2}:?[0-9]{2})?(?: \\([a-z ]+\\))?', '#'),
        '(?i)\\b[0-9]{1,4}[/.][0-9]{1,2}[/.][0-9]{2,4},? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]+)?)?(?: ?[ap]m\\b)?', '#'),
        '(?i)\\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[ap]m)?\\b', '#'),
        '(^|[\\s(,=])\\[?(?:[0-9a-fA-F]{0,4}:){2,8}[0-9a-fA-F]{1,5}(?:\\]:[0-9]+|\\]|\\b)', '\\1#'),
        '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}', '#'),
        -- Numbers, with the unit that is written with them.
        '(?i)(^|[^\\w.])[+-]?[0-9]+(?:[.,_][0-9]+)*(?:e[+-]?[0-9]+)?(?: ?%|(?: ?(?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|days?|[kmgt]?i?b|bytes?))?\\b)', '\\1#'),
        -- Identifiers: hexadecimal ones, those of Airtable, words in which letters follow digits; then all other digits.
        '\\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]{8,}|rec[0-9A-Za-z]{14})\\b', '#'),
        '\\b[A-Za-z_]*[0-9]+[A-Za-z_]\\w*', '#'),
        '[0-9]+(?:[.,_][0-9]+)*', '#'),
        -- One of them or several, of one thing or of several.
        '([\'"`]?)#[\'"`]?(?:\\s*[,;|]\\s*[\'"`]?#[\'"`]?)+', '\\1#\\1'),
        '(# [A-Za-z]{3,}?)s\\b', '\\1'),
        '\\s+', ' ')
