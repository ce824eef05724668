using PublicApiGenerator;
using QkvMigrate.Running;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests;

/// <summary>The library's public API is what was approved; a change of it is seen in review.</summary>
public sealed class PublicApiTests
{
    [Fact]
    public void Is_the_approved_one()
    {
        var options = new ApiGeneratorOptions { IncludeAssemblyAttributes = false };
        var api = typeof(Migrator).Assembly.GeneratePublicApi(options);
        ApprovedFile.Compare(Repository.At("src", "QkvMigrate", "PublicApi.txt"), api.TrimEnd() + "\n");
    }
}
