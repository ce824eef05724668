# complete.bash SCRIPT LINE FOLDER: prints what SCRIPT's function offers for LINE.
source "$1"
cd "$3"
read -r -a COMP_WORDS <<< "$2"
if [[ $2 == *' ' ]]; then COMP_WORDS+=(''); fi
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_qkvmigrate
if [[ ${#COMPREPLY[@]} -gt 0 ]]; then printf '%s\n' "${COMPREPLY[@]}"; fi
