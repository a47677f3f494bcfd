namespace Aspire.Hosting.ApplicationModel;

/// <summary>Rules for resource names: 1 to 64 ASCII letters, digits and hyphens, a letter first.</summary>
internal static class ModelName
{
    private const int MaxLength = 64;

    public static void Validate(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var problem = Problem(name);
        if (problem is not null)
            throw new ArgumentException($"Resource name '{name}' is invalid. {problem}", nameof(name));
    }

    private static string? Problem(string name) => name switch
    {
        { Length: > MaxLength } => $"Name must be between 1 and {MaxLength} characters long.",
        _ when !char.IsAsciiLetter(name[0]) => "Name must start with an ASCII letter.",
        _ when name.Any(c => !char.IsAsciiLetterOrDigit(c) && c != '-') =>
            "Name must contain only ASCII letters, digits, and hyphens.",
        _ when name.Contains("--", StringComparison.Ordinal) => "Name cannot contain consecutive hyphens.",
        _ when name[^1] == '-' => "Name cannot end with a hyphen.",
        _ => null,
    };
}
