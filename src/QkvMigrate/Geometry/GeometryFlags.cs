namespace QkvMigrate.Geometry;

/// <summary>What a user says about the geometry on the command line; each part may be missing.</summary>
/// <param name="HeadCount"><c>--n-head</c>.</param>
/// <param name="QueryGroupCount"><c>--n-query-groups</c>.</param>
/// <param name="HeadSize"><c>--head-size</c>.</param>
/// <param name="Model"><c>--model</c>, a LitGPT model name.</param>
/// <param name="ConfigPath"><c>--config</c>, a configuration file.</param>
public sealed record GeometryFlags(int? HeadCount = null, int? QueryGroupCount = null, int? HeadSize = null, string? Model = null, string? ConfigPath = null);
