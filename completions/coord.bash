_coord_complete() {
    local IFS=$'\n' line=$COMP_LINE piece i index=0
    local -a words=()
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        piece=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $line != [[:space:]]* && $piece$last == *:* ]]; then
            words[${#words[@]}-1]+=$piece
        else
            words+=("$piece")
        fi
        line=${line#"${line%%[![:space:]]*}"}
        line=${line#"$piece"}
        local last=$piece
        if ((i == COMP_CWORD)); then
            index=$((${#words[@]} - 1))
            break
        fi
    done
    local current=${words[index]}
    COMPREPLY=($(COORD_COMPLETE=bash _CLAP_COMPLETE_INDEX=$index \
        coord -- "${words[@]}" 2>/dev/null)) || COMPREPLY=()
    local kept=${current%"${current##*:}"}
    if [[ -n $kept && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"$kept"}")
    fi
    if [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -F _coord_complete coord
