using Xunit;

namespace QkvMigrate.Testing;

/// <summary>Committed files that hold what the program says. With QKVMIGRATE_UPDATE=1 the tests write them anew.</summary>
internal static class ApprovedFile
{
    /// <summary>Compares a committed file with what is so now.</summary>
    public static void Compare(string file, string actual)
    {
        if (Environment.GetEnvironmentVariable("QKVMIGRATE_UPDATE") == "1")
        {
            File.WriteAllText(file, actual);
            return;
        }

        var approved = File.Exists(file) ? File.ReadAllText(file) : "";
        if (approved != actual)
        {
            var (old, now) = (approved.Split('\n'), actual.Split('\n'));
            var line = Enumerable.Range(0, Math.Min(old.Length, now.Length)).FirstOrDefault(i => old[i] != now[i], Math.Min(old.Length, now.Length));
            Assert.Fail($"{file}, line {line + 1}: '{old.ElementAtOrDefault(line)}' is '{now.ElementAtOrDefault(line)}' now; if that is meant, QKVMIGRATE_UPDATE=1 writes the file anew");
        }
    }
}
