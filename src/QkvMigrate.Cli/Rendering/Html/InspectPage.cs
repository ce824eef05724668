using System.Reflection;
using QkvMigrate.Checkpoints;
using QkvMigrate.Running;
using QkvMigrate.Writing;

namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>
/// The page of <c>inspect --html</c>: what the text says, and pictures of the norms of all heads. It is one file, asks
/// for nothing from elsewhere, and has no script.
/// </summary>
internal sealed class InspectPage : IDisposable
{
    private static readonly Lazy<string> Style = new(ReadStyle);

    private static string Version => typeof(InspectPage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private readonly DurableFile file;

    private InspectPage(DurableFile file) => this.file = file;

    /// <summary>Starts the page, before anything is looked at, so that a name that is taken is told at once.</summary>
    /// <param name="path">The page's file.</param>
    /// <param name="replace">Whether a file of that name is replaced.</param>
    /// <exception cref="MigrationException">The name is taken, or is a checkpoint's, or the folder cannot be written.</exception>
    public static InspectPage Create(string path, bool replace)
    {
        if (replace && File.Exists(path) && Checkpoint.LooksLikeOne(path))
        {
            throw new MigrationException(FailureKind.Target, "this is a checkpoint, and no page is written over one", path);
        }

        return new InspectPage(DurableFile.Create(path, replace));
    }

    /// <summary>Writes the page and gives it its name.</summary>
    /// <exception cref="MigrationException">A checkpoint cannot be read, or the page cannot be written.</exception>
    public void Write(IReadOnlyList<CheckpointReport> reports, IWriteProgress? progress, CancellationToken cancellation)
    {
        file.Write(stream =>
        {
            using var page = new HtmlWriter(stream);
            page.Doctype();
            page.Element("html", null, () =>
            {
                page.Element("head", null, () => Head(page));
                page.Element("body", null, () =>
                {
                    page.Element("h1", null, reports.Count == 1 ? "One checkpoint, inspected" : $"{reports.Count} checkpoints, inspected");
                    foreach (var report in reports)
                    {
                        HtmlCheckpoint.Write(page, report, progress, cancellation);
                    }

                    page.Element("footer", null, $"qkvmigrate {Version}");
                });
            },
            ("lang", "en"));
        });
        file.Commit();
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private static void Head(HtmlWriter page)
    {
        page.Empty("meta", null, ("charset", "utf-8"));

        // The browser's own guard, should a name in a checkpoint ever get through as markup: nothing is loaded, nothing runs.
        page.Empty("meta", null, ("http-equiv", "Content-Security-Policy"), ("content", "default-src 'none'; style-src 'unsafe-inline'"));
        page.Empty("meta", null, ("name", "viewport"), ("content", "width=device-width, initial-scale=1"));
        page.Empty("meta", null, ("name", "color-scheme"), ("content", "light dark"));
        page.Element("title", null, "qkvmigrate inspect");
        page.StyleSheet(Style.Value);
    }

    private static string ReadStyle()
    {
        using var resource = new StreamReader(typeof(InspectPage).Assembly.GetManifestResourceStream("QkvMigrate.Cli.Rendering.Html.inspect.css")!);
        return resource.ReadToEnd();
    }
}
