namespace Aspire.Hosting.ApplicationModel;

public class ResourceNotificationServiceOptions
{
    /// <summary>What a wait does when the awaited resource has failed and the caller said nothing.</summary>
    public WaitBehavior DefaultWaitBehavior { get; set; } = WaitBehavior.StopOnResourceUnavailable;
}
