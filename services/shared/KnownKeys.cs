using Microsoft.Extensions.Options;

namespace Woodpecker.Services;

/// <summary>Refuses keys of a section that no setting has: a misspelt limit would silently be none.</summary>
internal static class KnownKeys
{
    /// <summary>Adds the check of a section, which belongs to this service alone.</summary>
    /// <param name="builder">The options whose validation checks it.</param>
    /// <param name="configuration">Where the section is.</param>
    /// <param name="section">The section, from the root.</param>
    /// <param name="settings">The type whose properties are the known keys.</param>
    public static OptionsBuilder<T> RefusesUnknownKeys<T>(
        this OptionsBuilder<T> builder, IConfiguration configuration, string section, Type settings)
        where T : class
    {
        builder.Services.AddSingleton<IValidateOptions<T>>(new Check<T>(configuration, section, settings));
        return builder;
    }

    private sealed class Check<T>(IConfiguration configuration, string section, Type settings) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options)
        {
            var known = settings.GetProperties().Where(static p => p.CanWrite).Select(static p => p.Name).ToList();
            foreach (var child in configuration.GetSection(section).GetChildren())
            {
                if (!known.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
                    return ValidateOptionsResult.Fail($"{child.Path} is no setting; {section} has {string.Join(", ", known)}.");
            }

            return ValidateOptionsResult.Success;
        }
    }
}
