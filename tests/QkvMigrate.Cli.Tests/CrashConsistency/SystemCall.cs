using System.Globalization;
using System.Text;

namespace QkvMigrate.Cli.Tests.CrashConsistency;

/// <summary>A call of the kernel that a traced program made, and that succeeded.</summary>
/// <param name="Begin">The line of the trace at which it began.</param>
/// <param name="End">The line at which it had ended; the same where nothing came between.</param>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">Its arguments, as strace writes them.</param>
/// <param name="Result">What it gave back.</param>
internal sealed record SystemCall(int Begin, int End, string Name, IReadOnlyList<string> Arguments, long Result)
{
    private const int EscapeLength = 4; // \xNN
    private const int EscapeStart = 2;

    /// <summary>An argument that is a number, such as a descriptor.</summary>
    public long Number(int argument) => long.Parse(Arguments[argument], CultureInfo.InvariantCulture);

    /// <summary>An argument that is a path.</summary>
    public string Path(int argument) => Encoding.UTF8.GetString(Bytes(argument));

    /// <summary>Whether an argument of flags has <paramref name="flag"/>.</summary>
    public bool Has(int argument, string flag) => Arguments.Count > argument && Arguments[argument].Split('|').Contains(flag);

    /// <summary>An argument that is bytes, of which strace must have written all.</summary>
    public byte[] Bytes(int argument)
    {
        var text = Arguments[argument];
        if (text is not ['"', .., '"'])
        {
            throw new InvalidDataException($"{Name}: this is no whole string: {text}");
        }

        var bytes = new byte[(text.Length - 2) / EscapeLength];
        for (var i = 0; i < bytes.Length; i++)
        {
            bytes[i] = byte.Parse(text.AsSpan((i * EscapeLength) + 1 + EscapeStart, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        return bytes;
    }
}
