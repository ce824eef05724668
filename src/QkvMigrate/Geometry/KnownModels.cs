using System.Globalization;
using QkvMigrate.Configuration;

namespace QkvMigrate.Geometry;

/// <summary>The sizes of LitGPT's own models by name (litgpt/config.py, <c>configs</c>), kept as data in <c>known-models.csv</c>.</summary>
public static class KnownModels
{
    private static readonly Lazy<Dictionary<string, ConfigurationNumbers>> ByName = new(Load);

    /// <summary>Every name: LitGPT's, and the Hugging Face organisation and name.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Value.Keys;

    /// <summary>
    /// Finds a model by LitGPT's name (<c>pythia-1b</c>), or by its Hugging Face name with or without the organisation
    /// (litgpt/config.py, <c>Config.from_name</c>); null where there is none.
    /// </summary>
    public static ConfigurationNumbers? Find(string name) => ByName.Value.GetValueOrDefault(name);

    private static Dictionary<string, ConfigurationNumbers> Load()
    {
        using var stream = typeof(KnownModels).Assembly.GetManifestResourceStream("QkvMigrate.Configuration.known-models.csv")!;
        using var reader = new StreamReader(stream);
        var models = new Dictionary<string, ConfigurationNumbers>();
        _ = reader.ReadLine();
        while (reader.ReadLine() is { } line)
        {
            var cells = line.Split(',');
            var numbers = new ConfigurationNumbers($"the model name {cells[0]}", Cell(3), Cell(4), Cell(5), Cell(6));
            models.Add(cells[0], numbers);
            models.TryAdd(cells[2], numbers);
            models.TryAdd($"{cells[1]}/{cells[2]}", numbers);

            int Cell(int index) => int.Parse(cells[index], CultureInfo.InvariantCulture);
        }

        return models;
    }
}
