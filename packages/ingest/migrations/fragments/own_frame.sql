    -- Where the error was thrown in the program's own code: the function and the file of the innermost frame that belongs to
    -- no library, without lines and folders, which change from release to release. Empty where the stack tells none.
    -- JavaScript and Java name frames 'at …', the innermost first; Python 'File "…", line …, in …', the innermost last.
    replaceRegexpAll(
        if(position(stacktrace, 'Traceback (most recent call last)') > 0,
            replaceRegexpOne(arrayLast(frame -> NOT match(frame, 'site-packages|dist-packages|/lib/python[0-9]|<frozen '), extractAll(stacktrace, '(?m-s)^[ \t|]*File "(.+", line [0-9]+, in .+)$')),
                '^(?:.*[/\\\\])?([^/\\\\]+)", line [0-9]+, in (.*)$', '\\2 \\1'),
            replaceRegexpOne(arrayFirst(frame -> NOT match(frame, 'node_modules|\\bnode:|\\(<anonymous>\\)|\\(native|\\(index [0-9]|^(?:java|javax|jdk|sun|kotlin|scala)\\.'), extractAll(stacktrace, '(?m-s)^[ \t|]*at (?:async )?(.*[:)][0-9)]*)$')),
                '^(?:(.*?) ?\\()?(?:.*[/\\\\])?([^/\\\\()]+?)(?::[0-9]+){0,2}\\)?$', '\\1 \\2')),
        '[0-9a-fA-F]{8,}|[0-9]+', '#')
