namespace Aspire.Hosting.ApplicationModel;

/// <summary>Something that can be named in an expression, such as <c>{metadata.connectionString}</c>.</summary>
public interface IManifestExpressionProvider
{
    string ValueExpression { get; }
}
