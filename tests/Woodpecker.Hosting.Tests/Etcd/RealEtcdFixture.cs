using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>The etcd found on PATH.</summary>
public sealed class RealEtcdFixture : EtcdFixture
{
    protected override EtcdBinary Binary => EtcdBinary.RealOrSkip();
}
