namespace Aspire.Hosting.ApplicationModel;

public enum WaitBehavior
{
    /// <summary>Keep waiting: somebody may start the dependency again.</summary>
    WaitOnResourceUnavailable,

    /// <summary>Give up as soon as the dependency has failed or ended.</summary>
    StopOnResourceUnavailable,
}
