using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>The Etcd.Embedded of this build.</summary>
public sealed class EmbeddedEtcdFixture : EtcdFixture
{
    protected override EtcdBinary Binary => EtcdBinary.Embedded;
}
