using System.CommandLine;

namespace QkvMigrate.Cli.Parsing;

/// <summary>An argument or option whose every word is a path.</summary>
internal interface IPathSymbol;

/// <summary>An argument of paths.</summary>
internal sealed class PathArgument<T>(string name) : Argument<T>(name), IPathSymbol;

/// <summary>An option with a path.</summary>
internal sealed class PathOption(string name, params string[] aliases) : Option<string?>(name, aliases), IPathSymbol;
