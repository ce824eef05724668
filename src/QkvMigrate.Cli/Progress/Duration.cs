namespace QkvMigrate.Cli.Progress;

/// <summary>Spans of time as people say them.</summary>
internal static class Duration
{
    /// <summary>The two largest units: <c>18 s</c>, <c>3 min 20 s</c>, <c>2 h 5 min</c>.</summary>
    public static string Text(TimeSpan span) =>
        span.TotalSeconds < 59.5 ? $"{span.TotalSeconds:0} s"
        : span.TotalMinutes < 60 ? $"{(int)span.TotalMinutes} min {span.Seconds} s"
        : $"{(int)span.TotalHours} h {span.Minutes} min";
}
