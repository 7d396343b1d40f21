set edit:completion:arg-completer[coord] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) COORD_COMPLETE="elvish" coord -- $@words) | to-lines
}
