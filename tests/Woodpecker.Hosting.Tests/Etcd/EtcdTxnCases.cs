using System.Globalization;
using Etcdserverpb;
using Google.Protobuf;
using Grpc.Core;
using CompareResult = Etcdserverpb.Compare.Types.CompareResult;
using CompareTarget = Etcdserverpb.Compare.Types.CompareTarget;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>E11 to E19: transactions.</summary>
public abstract class EtcdTxnCases(EtcdFixture fixture) : EtcdServerCases(fixture)
{
    /// <summary>E11: five targets, four results, below, at and above the key's own number.</summary>
    [Theory]
    [CombinatorialTargets]
    public async Task Compare_HoldsExactlyWhenItShould(CompareTarget target, CompareResult result)
    {
        var lease = (await Client.GrantAsync(60)).ID;
        await Client.PutAsync("a", "m", lease);
        await Client.PutAsync("a", "m", lease);
        var entry = (await Client.GetAsync("a")).Kvs[0];
        var own = target switch
        {
            CompareTarget.Version => entry.Version,
            CompareTarget.Create => entry.CreateRevision,
            CompareTarget.Mod => entry.ModRevision,
            CompareTarget.Lease => entry.Lease,
            _ => 0,
        };
        foreach (var difference in new[] { -1, 0, 1 })
        {
            // The key's side is on the left: "own result (own + difference)".
            var order = -difference;
            var expected = result switch
            {
                CompareResult.Equal => order == 0,
                CompareResult.NotEqual => order != 0,
                CompareResult.Greater => order > 0,
                _ => order < 0,
            };
            var value = difference switch { < 0 => "l", 0 => "m", _ => "n" };
            var compare = MakeCompare("a", target, result, own + difference, value);
            var response = await Client.TxnAsync(new TxnRequest { Compare = { compare } });
            Assert.Equal(expected, response.Succeeded);
        }
    }

    /// <summary>E12.</summary>
    [Fact]
    public async Task MissingKey_IsZero_ButHasNoValue()
    {
        foreach (var target in new[] { CompareTarget.Create, CompareTarget.Mod, CompareTarget.Version, CompareTarget.Lease })
        {
            Assert.True(await HoldsAsync(MakeCompare("no", target, CompareResult.Equal, 0, "")));
            Assert.False(await HoldsAsync(MakeCompare("no", target, CompareResult.Greater, 0, "")));
            Assert.True(await HoldsAsync(MakeCompare("no", target, CompareResult.Less, 1, "")));
        }

        Assert.False(await HoldsAsync(MakeCompare("no", CompareTarget.Value, CompareResult.NotEqual, 0, "x")));
        Assert.False(await HoldsAsync(MakeCompare("no", CompareTarget.Value, CompareResult.Equal, 0, "")));
    }

    /// <summary>E13.</summary>
    [Fact]
    public async Task ElseBranch_EmptyCompare_EmptyBranches()
    {
        var before = await Client.PutRevisionAsync("a", "1");
        var other = await Client.TxnAsync(new TxnRequest
        {
            Compare = { MakeCompare("a", CompareTarget.Version, CompareResult.Equal, 7, "") },
            Success = { Client.PutOp("a", "then") },
            Failure = { Client.PutOp("a", "else"), Client.GetOp("a") },
        });
        Assert.False(other.Succeeded);
        Assert.Equal(before + 1, other.Header.Revision);
        Assert.Equal("else", other.Responses[1].ResponseRange.Kvs[0].Value.ToStringUtf8());

        var noCompare = await Client.TxnAsync(new TxnRequest { Success = { Client.PutOp("a", "2") } });
        Assert.True(noCompare.Succeeded);
        var nothing = await Client.TxnAsync(new TxnRequest());
        Assert.Equal((true, 0, noCompare.Header.Revision), (nothing.Succeeded, nothing.Responses.Count, nothing.Header.Revision));
        var noElse = await Client.TxnAsync(new TxnRequest
        {
            Compare = { MakeCompare("a", CompareTarget.Version, CompareResult.Equal, 70, "") },
            Success = { Client.PutOp("a", "3") },
        });
        Assert.Equal((false, 0), (noElse.Succeeded, noElse.Responses.Count));
    }

    /// <summary>E14.</summary>
    [Fact]
    public async Task RangeInTxn_SeesItsPuts_AndAllShareOneRevision()
    {
        var before = await Client.PutRevisionAsync("x/gone", "1");
        var response = await Client.TxnAsync(new TxnRequest
        {
            Success =
            {
                Client.GetOp("x/a"), Client.PutOp("x/a", "1"), Client.GetOp("x/a"), Client.PutOp("x/b", "2"),
                Client.DeleteOp("x/gone"), RangeOp("x/"),
            },
        });
        Assert.Equal(before + 1, response.Header.Revision);
        Assert.Empty(response.Responses[0].ResponseRange.Kvs);
        Assert.Equal(before + 1, response.Responses[2].ResponseRange.Kvs[0].ModRevision);
        Assert.Equal(1, response.Responses[4].ResponseDeleteRange.Deleted);
        Assert.Equal(2, response.Responses[5].ResponseRange.Count);
        Assert.All((await Client.RangeAsync("x/")).Kvs, kv => Assert.Equal(before + 1, kv.ModRevision));
    }

    /// <summary>E15.</summary>
    [Fact]
    public async Task KeyTwice_IsRefused_AndNothingApplied()
    {
        const string Duplicate = "etcdserver: duplicate key given in txn request";
        Task Refused(params RequestOp[] steps)
        {
            var request = new TxnRequest();
            request.Success.AddRange(steps);
            return EtcdTestClient.AssertRefusedAsync(StatusCode.InvalidArgument, Duplicate, () => Client.TxnAsync(request));
        }

        await Refused(Client.PutOp("d/b", "0"), Client.PutOp("d/a", "1"), Client.PutOp("d/a", "2"));
        await Refused(Client.PutOp("d/a", "1"), Client.DeleteOp("d/a"));
        await Refused(Client.PutOp("d/a", "1"), new RequestOp
        {
            RequestDeleteRange = new DeleteRangeRequest { Key = Client.Key("d/"), RangeEnd = Client.EndOf("d/") },
        });
        var inElse = new TxnRequest { Failure = { Client.PutOp("d/a", "1"), Client.PutOp("d/a", "2") } };
        await EtcdTestClient.AssertRefusedAsync(StatusCode.InvalidArgument, Duplicate, () => Client.TxnAsync(inElse));
        Assert.Empty((await Client.RangeAsync("d/")).Kvs);
    }

    /// <summary>E16.</summary>
    [Fact]
    public async Task UnknownLease_IsRefused_AndNothingApplied()
    {
        const string NotFound = "etcdserver: requested lease not found";
        await EtcdTestClient.AssertRefusedAsync(StatusCode.NotFound, NotFound, () => Client.TxnAsync(
            new TxnRequest { Success = { Client.PutOp("a", "1"), Client.PutOp("b", "1", lease: 4_711) } }));
        await EtcdTestClient.AssertRefusedAsync(StatusCode.NotFound, NotFound, () => Client.PutAsync("a", "1", lease: 4_711));
        Assert.Empty((await Client.GetAsync("a")).Kvs);
    }

    /// <summary>E17.</summary>
    [Fact]
    public async Task Limits_OfOperationsAndSize()
    {
        static TxnRequest Of(IEnumerable<RequestOp> steps)
        {
            var request = new TxnRequest();
            request.Success.AddRange(steps);
            return request;
        }

        var most = Enumerable.Range(0, 128).Select(i => Client.PutOp($"n/{i:d3}", "x")).ToList();
        Assert.Equal(128, (await Client.TxnAsync(Of(most))).Responses.Count);
        await EtcdTestClient.AssertRefusedAsync(
            StatusCode.InvalidArgument, "etcdserver: too many operations in txn request",
            () => Client.TxnAsync(Of([.. most, Client.PutOp("n/more", "x")])));
        Assert.Equal(128, (await Client.RangeAsync("n/", static r => r.CountOnly = true)).Count);

        var large = new PutRequest { Key = Client.Key("large"), Value = ByteString.CopyFrom(new byte[1_572_864]) };
        await EtcdTestClient.AssertRefusedAsync(
            StatusCode.InvalidArgument, "etcdserver: request is too large", async () => await Client.Kv.PutAsync(large, cancellationToken: Stop));
        large.Value = ByteString.CopyFrom(new byte[1_500_000]);
        await Client.Kv.PutAsync(large, cancellationToken: Stop);
        Assert.Equal(1_500_000, (await Client.GetAsync("large")).Kvs[0].Value.Length);
    }

    /// <summary>E18.</summary>
    [Fact]
    public async Task RangeCompare_MustHoldForEveryKey()
    {
        await Client.PutAsync("r/a", "1");
        await Client.PutAsync("r/b", "1");
        await Client.PutAsync("r/b", "1");
        Compare Of(string prefix, CompareTarget target, CompareResult result, long number, string value)
        {
            var compare = MakeCompare(prefix, target, result, number, value);
            compare.RangeEnd = Client.EndOf(prefix);
            return compare;
        }

        Assert.True(await HoldsAsync(Of("r/", CompareTarget.Version, CompareResult.Greater, 0, "")));
        Assert.False(await HoldsAsync(Of("r/", CompareTarget.Version, CompareResult.Greater, 1, "")));
        Assert.True(await HoldsAsync(Of("r/", CompareTarget.Value, CompareResult.Equal, 0, "1")));
        Assert.True(await HoldsAsync(Of("none/", CompareTarget.Create, CompareResult.Equal, 0, "")));
        Assert.False(await HoldsAsync(Of("none/", CompareTarget.Value, CompareResult.NotEqual, 0, "1")));
    }

    /// <summary>E19.</summary>
    [Fact]
    public async Task FiftyConcurrentIncrements_LoseNothing()
    {
        const int Count = 50;
        await Client.PutAsync("n", "0");
        async Task<long> IncrementAsync()
        {
            while (true)
            {
                var seen = (await Client.GetAsync("n")).Kvs[0];
                var next = int.Parse(seen.Value.ToStringUtf8(), CultureInfo.InvariantCulture) + 1;
                var response = await Client.TxnAsync(new TxnRequest
                {
                    Compare = { MakeCompare("n", CompareTarget.Mod, CompareResult.Equal, seen.ModRevision, "") },
                    Success = { Client.PutOp("n", next.ToString(CultureInfo.InvariantCulture)) },
                });
                if (response.Succeeded)
                    return response.Header.Revision;
            }
        }

        var revisions = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => IncrementAsync()));
        Assert.Equal("50", (await Client.GetAsync("n")).Kvs[0].Value.ToStringUtf8());
        Assert.Equal(Count, revisions.Distinct().Count());
        Assert.Equal(Count + 1, (await Client.GetAsync("n")).Kvs[0].Version);
    }

    private async Task<bool> HoldsAsync(Compare compare) =>
        (await Client.TxnAsync(new TxnRequest { Compare = { compare } })).Succeeded;

    private RequestOp RangeOp(string prefix) =>
        new() { RequestRange = new RangeRequest { Key = Client.Key(prefix), RangeEnd = Client.EndOf(prefix) } };

    private Compare MakeCompare(string name, CompareTarget target, CompareResult result, long number, string value)
    {
        var compare = new Compare { Key = Client.Key(name), Target = target, Result = result };
        switch (target)
        {
            case CompareTarget.Version:
                compare.Version = number;
                break;
            case CompareTarget.Create:
                compare.CreateRevision = number;
                break;
            case CompareTarget.Mod:
                compare.ModRevision = number;
                break;
            case CompareTarget.Lease:
                compare.Lease = number;
                break;
            default:
                compare.Value = EtcdTestClient.Bytes(value);
                break;
        }

        return compare;
    }
}
