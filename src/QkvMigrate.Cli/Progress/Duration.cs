namespace QkvMigrate.Cli.Progress;

/// <summary>Spans of time as people say them.</summary>
internal static class Duration
{
    /// <summary>The two largest units, of the nearest second: <c>18 s</c>, <c>3 min 20 s</c>, <c>2 h 5 min</c>.</summary>
    public static string Text(TimeSpan span)
    {
        var rounded = TimeSpan.FromSeconds(Math.Round(span.TotalSeconds, MidpointRounding.AwayFromZero));
        return rounded.TotalMinutes < 1 ? $"{rounded.Seconds} s"
            : rounded.TotalHours < 1 ? $"{rounded.Minutes} min {rounded.Seconds} s"
            : $"{(long)rounded.TotalHours} h {rounded.Minutes} min";
    }
}
