using System.Text;
using System.Xml;
using QkvMigrate.Cli.Terminals;

namespace QkvMigrate.Cli.Rendering.Html;

/// <summary>
/// Writes HTML that is well-formed XML as well. All text and every attribute is escaped on the way, so that no name in a
/// checkpoint can become markup, and characters that no page may have are shown as numbers.
/// </summary>
internal sealed class HtmlWriter(Stream stream) : IDisposable
{
    private readonly XmlWriter xml = XmlWriter.Create(
        stream,
        new XmlWriterSettings { OmitXmlDeclaration = true, Encoding = new UTF8Encoding(false), CloseOutput = false });

    /// <summary>Writes the page's type, which goes first.</summary>
    public void Doctype() => xml.WriteDocType("html", null, null, null);

    /// <summary>Writes an element with <paramref name="content"/> in it.</summary>
    public void Element(string name, string? style, Action content, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Start(name, style, attributes);
        content();

        // HTML knows no <div/>: it would stay open.
        xml.WriteFullEndElement();
    }

    /// <summary>Writes an element with a text in it.</summary>
    public void Element(string name, string? style, string text, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Start(name, style, attributes);
        Text(text);
        xml.WriteFullEndElement();
    }

    /// <summary>Writes an element that never has content: <c>meta</c>, or a shape without a title.</summary>
    public void Empty(string name, string? style, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        Start(name, style, attributes);
        xml.WriteEndElement();
    }

    /// <summary>Writes text.</summary>
    public void Text(string text) => xml.WriteString(Printable.Text(text));

    /// <summary>Writes a style sheet of this program's own, which is no XML.</summary>
    public void StyleSheet(string css)
    {
        xml.WriteStartElement("style");
        xml.WriteRaw(css);
        xml.WriteFullEndElement();
    }

    /// <inheritdoc/>
    public void Dispose() => xml.Dispose();

    private void Start(string name, string? style, ReadOnlySpan<(string Name, string Value)> attributes)
    {
        xml.WriteStartElement(name);
        if (style is not null)
        {
            xml.WriteAttributeString("class", style);
        }

        foreach (var (attribute, value) in attributes)
        {
            xml.WriteAttributeString(attribute, Printable.Text(value));
        }
    }
}
