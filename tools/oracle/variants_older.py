OLDER = {}
