using QkvMigrate;
using QkvMigrate.Reordering;
using QkvMigrate.Running;

// Upgrades a checkpoint file or directory: dotnet run --project samples/upgrade-from-code -- SOURCE OUTPUT
var request = new MigrationRequest
{
    Path = args[0],
    Output = args[1],
    Direction = MigrationDirection.Upgrade,
    Engine = () => new StreamReorderEngine(),
};
var reports = Migrator.Run(request, CancellationToken.None);
foreach (var report in reports)
{
    Console.WriteLine($"{report.Path}: {report.Status}, {report.Changes?.ReorderedTensors ?? 0} of {report.TensorCount} tensors reordered");
    foreach (var advice in report.Advice)
        Console.WriteLine($"  {advice.Code}: {advice.Message}");
    if (report.Error is not null)
        Console.Error.WriteLine(report.Error.Message);
}

return reports.Any(report => report.Error is not null) ? 1 : 0;
