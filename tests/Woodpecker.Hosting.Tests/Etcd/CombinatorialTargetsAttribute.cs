using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;
using CompareResult = Etcdserverpb.Compare.Types.CompareResult;
using CompareTarget = Etcdserverpb.Compare.Types.CompareTarget;

namespace Woodpecker.Hosting.Tests.Etcd;

/// <summary>Every compare target with every compare result.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class CombinatorialTargetsAttribute : DataAttribute
{
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
        MethodInfo testMethod, DisposalTracker disposalTracker) =>
        ValueTask.FromResult<IReadOnlyCollection<ITheoryDataRow>>(
        [
            .. from target in Enum.GetValues<CompareTarget>()
               from result in Enum.GetValues<CompareResult>()
               select new TheoryDataRow<CompareTarget, CompareResult>(target, result),
        ]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
