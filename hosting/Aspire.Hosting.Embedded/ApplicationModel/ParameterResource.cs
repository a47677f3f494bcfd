namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value from configuration (<c>Parameters:name</c>) or given in the model.</summary>
public class ParameterResource(string name, Func<object?, string> callback, bool secret = false)
    : Resource(name), IValueProvider, IManifestExpressionProvider
{
    private readonly Func<object?, string> _callback = callback;

    public bool Secret { get; } = secret;

    public bool IsConnectionString { get; set; }

    public string ValueExpression => $"{{{Name}.value}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => new(_callback(null));
}
