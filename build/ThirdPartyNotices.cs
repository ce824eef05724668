using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Xml.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Writes the licences of the packages that a program is made of, and the notices that those packages carry of others' code in
/// them. A text that several have stands once. A package that has no licence's text must name one in <see cref="Licences"/>.
/// </summary>
public sealed class ThirdPartyNotices : Task
{
    private const string Line = "================================================================================";

    /// <summary>Files of packages, each with the metadata NuGetPackageId and NuGetPackageVersion.</summary>
    [Required]
    public ITaskItem[] Files { get; set; }

    /// <summary>The folder in which NuGet unpacks packages, each in ID/VERSION with the id in small letters.</summary>
    [Required]
    public string Root { get; set; }

    /// <summary>The folders of runtimes' packages, none where the program takes that of its machine.</summary>
    public string[] Runtime { get; set; }

    /// <summary>A folder of licences' texts, NAME.txt for the SPDX identifier NAME.</summary>
    [Required]
    public string Licences { get; set; }

    /// <summary>Packages whose notices are of native code that is left out of the program.</summary>
    public string[] WithoutNotices { get; set; }

    [Required]
    public string Destination { get; set; }

    public override bool Execute()
    {
        var texts = new List<(string Text, List<string> Packages)>();
        foreach (var folder in Folders())
        {
            var about = XDocument.Load(Directory.GetFiles(folder, "*.nuspec").Single()).Descendants().First(element => element.Name.LocalName == "metadata");
            var name = Value(about, "id") + " " + Value(about, "version");
            var licence = TextOf(folder, "LICENSE") ?? Known(about);
            if (licence == null)
            {
                Log.LogError("{0}: no text of its licence, expected a file LICENSE in the package or one in {1} for what it names", name, Licences);
                return false;
            }

            Add(texts, licence, name);
            if (TextOf(folder, "THIRD-PARTY-NOTICES") is string notices && !(WithoutNotices ?? Array.Empty<string>()).Contains(Value(about, "id"), StringComparer.OrdinalIgnoreCase))
            {
                Add(texts, notices, name);
            }
        }

        var all = new StringBuilder("qkvmigrate is made of the packages that are named here. Their licences and notices follow their names.\n");
        foreach (var (text, packages) in texts)
        {
            all.Append('\n').Append(Line).Append('\n').Append(string.Join("\n", packages)).Append('\n').Append(Line).Append("\n\n").Append(text).Append('\n');
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(Destination)));
        File.WriteAllText(Destination, all.ToString());
        return true;
    }

    private IEnumerable<string> Folders() =>
        Files.Select(file => Path.Combine(Root, file.GetMetadata("NuGetPackageId").ToLowerInvariant(), file.GetMetadata("NuGetPackageVersion")))
            .Concat(Runtime ?? Array.Empty<string>())
            .Distinct()
            .OrderBy(path => path, StringComparer.Ordinal);

    private static void Add(List<(string Text, List<string> Packages)> texts, string text, string package)
    {
        var known = texts.FirstOrDefault(each => each.Text == text);
        if (known.Packages == null)
        {
            texts.Add(known = (text, new List<string>()));
        }

        known.Packages.Add(package);
    }

    /// <summary>A file of a package, with the same ends of lines whatever system it was packed on.</summary>
    private static string TextOf(string folder, string name)
    {
        var file = Directory.GetFiles(folder).SingleOrDefault(each => Path.GetFileNameWithoutExtension(each).Equals(name, StringComparison.OrdinalIgnoreCase));
        return file == null ? null : string.Join("\n", File.ReadAllLines(file).Select(line => line.TrimEnd())).Trim('\n');
    }

    /// <summary>The text of the licence that a package names, under the package's own copyright.</summary>
    private string Known(XElement about)
    {
        var path = Path.Combine(Licences, Value(about, "license") + ".txt");
        var copyright = Value(about, "copyright");
        return !File.Exists(path) ? null : (copyright == "" ? "Copyright (c) " + Value(about, "authors") : copyright) + "\n\n" + File.ReadAllText(path).TrimEnd();
    }

    private static string Value(XElement about, string name)
    {
        var found = about.Elements().FirstOrDefault(element => element.Name.LocalName == name);
        return found == null ? "" : found.Value.Trim();
    }
}
