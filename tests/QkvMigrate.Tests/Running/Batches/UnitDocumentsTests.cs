using QkvMigrate.Running.Batches;
using QkvMigrate.Testing;
using QkvMigrate.Writing;
using Xunit;

namespace QkvMigrate.Tests.Running.Batches;

public sealed class UnitDocumentsTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Only_what_is_new_since_is_read_again()
    {
        var account = new OutputAccount(folder.Path);
        DurablePath.Create(account.Reports.Folder);
        DurablePath.Create(account.Entries.Folder);
        Write("kept");
        Write("replaced");
        Write("gone");
        var before = account.Reports.SelectUsable(report => report.Path, new Dictionary<string, SeenDocument<string>>());
        Assert.Equal(["gone", "kept", "replaced"], before.Values.Select(seen => seen.Value).Order());

        Write("replaced");
        Write("new");
        account.Reports.Remove("gone");
        File.WriteAllText(Path.Combine(account.Reports.Folder, "other.json"), "{");
        var after = account.Reports.SelectUsable(report => $"{report.Path} again", before);

        Assert.Equal([null, "kept", "new again", "replaced again"], after.Values.Select(seen => seen.Value).Order());

        void Write(string unit) => account.Reports.Write(UnitReportRecord.Of(unit, []));
    }
}
