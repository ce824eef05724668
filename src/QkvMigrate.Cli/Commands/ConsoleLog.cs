using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;
using QkvMigrate.Cli.Terminals;
using QkvMigrate.Running;

namespace QkvMigrate.Cli.Commands;

/// <summary>
/// The log on standard error, one line a message: <c>qkvmigrate: error: ...</c>. The logger is made with the first
/// message, because most runs have none.
/// </summary>
internal sealed partial class ConsoleLog : IDisposable
{
    private readonly bool quiet;
    private readonly bool verbose;
    private readonly Lazy<(ILoggerFactory Factory, ILogger Logger)> made;

    /// <param name="quiet">Errors only.</param>
    /// <param name="verbose">Details too.</param>
    public ConsoleLog(bool quiet, bool verbose)
    {
        this.quiet = quiet;
        this.verbose = verbose;
        made = new(Make);
    }

    private ILogger Logger => made.Value.Logger;

    /// <summary>Says how far a long run is.</summary>
    public void Progress(string message) => LogProgress(Logger, message);

    /// <summary>Says a thing that is of interest with --verbose.</summary>
    public void Detail(string message)
    {
        if (verbose)
        {
            LogDetail(Logger, message);
        }
    }

    /// <summary>Says why each checkpoint that failed or was refused did so.</summary>
    public void Failures(IEnumerable<CheckpointReport> reports) => Failures(reports.Select(report => report.Error).OfType<MigrationException>());

    /// <summary>Says each failure.</summary>
    public void Failures(IEnumerable<MigrationException> errors)
    {
        foreach (var error in errors)
        {
            LogFailure(Logger, error.Message);
        }
    }

    /// <summary>Writes what is still queued.</summary>
    public void Dispose()
    {
        if (made.IsValueCreated)
        {
            made.Value.Factory.Dispose();
        }
    }

    private (ILoggerFactory Factory, ILogger Logger) Make()
    {
        var factory = LoggerFactory.Create(Configure);
        return (factory, factory.CreateLogger("qkvmigrate"));
    }

    private void Configure(ILoggingBuilder builder)
    {
        builder.SetMinimumLevel(verbose ? LogLevel.Debug : quiet ? LogLevel.Error : LogLevel.Information);
        builder.AddConsole(options =>
        {
            options.FormatterName = LineFormatter.FormatterName;
            options.LogToStandardErrorThreshold = LogLevel.Trace;
        });
        // What AddConsoleFormatter does, without the configuration files and the reflection for options that this formatter has not.
        builder.Services.AddSingleton<ConsoleFormatter, LineFormatter>();
    }

    [LoggerMessage(LogLevel.Error, "{Message}")]
    private static partial void LogFailure(ILogger logger, string message);

    [LoggerMessage(LogLevel.Information, "{Message}")]
    private static partial void LogProgress(ILogger logger, string message);

    [LoggerMessage(LogLevel.Debug, "{Message}")]
    private static partial void LogDetail(ILogger logger, string message);

    /// <summary>One line a message, in the way of Unix tools.</summary>
    private sealed class LineFormatter() : ConsoleFormatter(FormatterName)
    {
        public const string FormatterName = "line";

        public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
        {
            var level = logEntry.LogLevel switch { LogLevel.Error => "error: ", LogLevel.Warning => "warning: ", _ => "" };
            using var line = new PrintableWriter(textWriter, Terminal.ErrorWidth);
            line.WriteLine($"qkvmigrate: {level}{logEntry.Formatter(logEntry.State, logEntry.Exception)}");
        }
    }
}
