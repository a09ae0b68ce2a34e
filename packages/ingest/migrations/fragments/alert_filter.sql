WHERE (setting.rule = '' OR setting.is_enabled = 1) AND candidate.value >= ifNull(setting.value, candidate.threshold)
