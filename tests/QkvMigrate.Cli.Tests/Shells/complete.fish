# complete.fish SCRIPT LINE FOLDER: prints what fish offers for LINE, a description behind each.
source $argv[1]
cd $argv[3]
complete -C $argv[2]
