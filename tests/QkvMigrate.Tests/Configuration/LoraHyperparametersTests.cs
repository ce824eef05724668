using System.Text;
using QkvMigrate.Attention;
using QkvMigrate.Configuration;
using QkvMigrate.Testing;
using Xunit;

namespace QkvMigrate.Tests.Configuration;

/// <summary>Files of hyperparameters that somebody's editor has been at.</summary>
public sealed class LoraHyperparametersTests : IDisposable
{
    private static readonly LoraExpansion Expansion = new(8, new LoraSections(true, false, true));

    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_byte_order_mark_and_line_ends_are_kept()
    {
        Write("\uFEFFlora_r: 8\r\nlora_alpha: 16\r\n");
        var file = Assert.Single(LoraHyperparameters.Expand(folder.Path, Expansion).Files);
        Assert.Equal(
            "\uFEFF#qkvmigrate- lora_r: 8\r\nlora_r: 16  #qkvmigrate+\r\n#qkvmigrate- lora_alpha: 16\r\nlora_alpha: 32  #qkvmigrate+\r\n",
            Encoding.UTF8.GetString(file.Content!.Value.Span));
    }

    [Theory]
    [InlineData("lora_r: 8\rlora_alpha: 16\r")]
    [InlineData("# \u2028\nlora_r: 8\nlora_alpha: 16\n")]
    public void Other_line_breaks_are_refused(string text)
    {
        Write(text);
        var refused = Assert.Throws<MigrationException>(() => LoraHyperparameters.Expand(folder.Path, Expansion));
        Assert.Equal($"{folder.At(LoraHyperparameters.FileName)}: lora_r has to change, but the file has line breaks other than LF and CRLF", refused.Message);
        Assert.Equal(FailureKind.Unsupported, refused.Kind);
    }

    private void Write(string text) => File.WriteAllText(folder.At(LoraHyperparameters.FileName), text);
}
