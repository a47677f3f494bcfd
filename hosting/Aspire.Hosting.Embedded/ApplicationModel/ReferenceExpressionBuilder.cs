using System.Globalization;
using System.Text;

namespace Aspire.Hosting.ApplicationModel;

public class ReferenceExpressionBuilder
{
    private readonly StringBuilder _format;
    private readonly List<IValueProvider> _valueProviders = [];
    private readonly List<string> _manifestExpressions = [];

    public ReferenceExpressionBuilder() : this(0)
    {
    }

    internal ReferenceExpressionBuilder(int capacity) => _format = new StringBuilder(capacity);

    public bool IsEmpty => _format.Length == 0;

    public void AppendLiteral(string value) => _format.Append(Escape(value));

    public void AppendFormatted(string? value) => _format.Append(Escape(value ?? ""));

    public void AppendFormatted<T>(T valueProvider) where T : IValueProvider, IManifestExpressionProvider
    {
        _format.Append(CultureInfo.InvariantCulture, $"{{{_valueProviders.Count}}}");
        _valueProviders.Add(valueProvider);
        _manifestExpressions.Add(valueProvider.ValueExpression);
    }

    public ReferenceExpression Build() => new(_format.ToString(), [.. _valueProviders], [.. _manifestExpressions]);

    private static string Escape(string text) =>
        text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);
}
