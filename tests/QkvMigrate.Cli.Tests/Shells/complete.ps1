# complete.ps1 SCRIPT LINE FOLDER: prints what PowerShell offers for LINE.
param($script, $line, $folder)
$ErrorActionPreference = 'Stop'
. $script
Set-Location $folder
try {
    # PowerShell puts ./ before a path.
    (TabExpansion2 -inputScript $line -cursorColumn $line.Length).CompletionMatches | ForEach-Object { $_.CompletionText -replace '^\./', '' }
} catch {
    # The empty text that keeps PowerShell from completing paths ends the search in this error, which its line editor does not show.
    if ($_.Exception.Message -notlike '*completionText*is null*') { throw }
}
