using QkvMigrate.Files.Systems;
using Xunit;

namespace QkvMigrate.Tests.Files;

/// <summary>Names that no file of Windows has.</summary>
public sealed class ReservedNamesTests
{
    [Theory]
    [InlineData(@"C:\models\NUL", "Windows has this name for a device")]
    [InlineData(@"C:\models\nul.pth", "Windows has this name for a device")]
    [InlineData(@"C:\models\aux .tar.gz", "Windows has this name for a device")]
    [InlineData(@"C:\models\com7.pth", "Windows has this name for a device")]
    [InlineData(@"C:\models\LPT².pth", "Windows has this name for a device")]
    [InlineData(@"C:\models\model.pth:stream", "no file of Windows can have one of <>:\"|?* in its name")]
    [InlineData(@"C:\models\what?.pth", "no file of Windows can have one of <>:\"|?* in its name")]
    [InlineData("C:/models/line\n.pth", "no file of Windows can have one of <>:\"|?* in its name")]
    [InlineData(@"C:\models\model.pth.", "Windows leaves off a dot or a space at the end of a name")]
    [InlineData("model.pth.", "Windows leaves off a dot or a space at the end of a name")]
    [InlineData(@"..\...", "Windows leaves off a dot or a space at the end of a name")]
    [InlineData("CON", "Windows has this name for a device")]
    [InlineData(@"NUL\", "Windows has this name for a device")]
    [InlineData("D:aux", "Windows has this name for a device")]
    [InlineData(@"models\D:", "no file of Windows can have one of <>:\"|?* in its name")]
    [InlineData(@"C:\models\model ", "Windows leaves off a dot or a space at the end of a name")]
    public void They_are_refused_in_words(string path, string problem) => Assert.Equal(problem, ReservedNames.Problem(path));

    [Theory]
    [InlineData(@"C:\models\lit_model.pth")]
    [InlineData(@"\\server\share\console.pth")]
    [InlineData(@"\\?\C:\models\com.pth")]
    [InlineData(@"C:\NUL\com10.pth")]
    [InlineData(@"C:\models\.nul")]
    [InlineData(".")]
    [InlineData(@"..\..")]
    [InlineData(@"models\.\")]
    [InlineData(@"D:\")]
    [InlineData("D:")]
    [InlineData("D:model.pth")]
    public void All_others_are_fit(string path) => Assert.Null(ReservedNames.Problem(path));
}
