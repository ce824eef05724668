# complete.zsh SCRIPT LINE FOLDER: prints what zsh's completion system offers for LINE.
# The completion system works in an interactive shell alone, so one is started on a terminal of its own. What it adds to
# its matches is written down, and it ends when it has completed its first line.
folder=$(mktemp -d)
trap 'rm -rf $folder' EXIT
cat > $folder/.zshrc <<'RC'
cd $COMPLETION_FOLDER
autoload -Uz compinit
compinit -D -u
source $COMPLETION_SCRIPT
compadd() {
    local -a offered
    # With -O, -A or -D it fills arrays for the functions of the completion system, and offers nothing.
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    builtin compadd -O offered "$@"
    (($#offered)) && print -rl -- $offered >> $COMPLETION_OFFERS
    builtin compadd "$@"
}
zle-line-init() {
    BUFFER=$COMPLETION_LINE
    CURSOR=$#BUFFER
    zle complete-word
    kill -KILL $$
}
zle -N zle-line-init
RC
touch $folder/offers
COMPLETION_SCRIPT=$1 COMPLETION_LINE=$2 COMPLETION_FOLDER=$3 COMPLETION_OFFERS=$folder/offers ZDOTDIR=$folder \
    script -qec 'zsh -i' /dev/null < /dev/null > /dev/null 2>&1
sort -u $folder/offers
