using Woodpecker.Testing.Metadata;

namespace Woodpecker.Hosting.Tests.Etcd;

public sealed class ProcessOnRealEtcdTests : EtcdProcessCases
{
    protected override EtcdBinary Binary => EtcdBinary.RealOrSkip();
}

public sealed class ProcessOnEmbeddedEtcdTests : EtcdProcessCases
{
    protected override EtcdBinary Binary => EtcdBinary.Embedded;
}
