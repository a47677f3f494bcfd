namespace Woodpecker.AppHost.Plan;

/// <summary>Which Aspire this AppHost was built on.</summary>
internal static class HostKind
{
#if ASPIRE_PACKAGES
    public const string Name = "packages";
    public const string Reason = "UseAspirePackages=true";
#else
    public const string Name = "embedded";
    public const string Reason = "UseAspirePackages=false";
#endif
}
