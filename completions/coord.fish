complete --keep-order --exclusive --command coord --arguments "(COORD_COMPLETE=fish coord -- (commandline --current-process --tokenize --cut-at-cursor) (commandline --current-token))"
