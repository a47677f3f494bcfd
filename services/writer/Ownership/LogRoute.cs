using Woodpecker.Storage.Writing;

namespace Woodpecker.Writer.Ownership;

/// <summary>Where appends of a log go now.</summary>
/// <param name="Session">The own session; null if another writer owns the log.</param>
/// <param name="Owner">The owner's app id, if it is another writer.</param>
internal readonly record struct LogRoute(WriterSession? Session, string? Owner);
