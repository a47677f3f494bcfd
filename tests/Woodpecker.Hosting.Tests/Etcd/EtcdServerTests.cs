namespace Woodpecker.Hosting.Tests.Etcd;

public sealed class KvOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture) : EtcdKvCases(fixture), IClassFixture<EmbeddedEtcdFixture>;

public sealed class KvOnRealEtcdTests(RealEtcdFixture fixture) : EtcdKvCases(fixture), IClassFixture<RealEtcdFixture>;

public sealed class TxnOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture) : EtcdTxnCases(fixture), IClassFixture<EmbeddedEtcdFixture>;

public sealed class TxnOnRealEtcdTests(RealEtcdFixture fixture) : EtcdTxnCases(fixture), IClassFixture<RealEtcdFixture>;

public sealed class LeaseOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture) : EtcdLeaseCases(fixture), IClassFixture<EmbeddedEtcdFixture>;

public sealed class LeaseOnRealEtcdTests(RealEtcdFixture fixture) : EtcdLeaseCases(fixture), IClassFixture<RealEtcdFixture>;

public sealed class WatchOnEmbeddedEtcdTests(EmbeddedEtcdFixture fixture) : EtcdWatchCases(fixture), IClassFixture<EmbeddedEtcdFixture>;

public sealed class WatchOnRealEtcdTests(RealEtcdFixture fixture) : EtcdWatchCases(fixture), IClassFixture<RealEtcdFixture>;
