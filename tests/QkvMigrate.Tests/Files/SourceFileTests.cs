using System.Net.Sockets;
using QkvMigrate.Checkpoints;
using QkvMigrate.Files;
using QkvMigrate.Folders;
using QkvMigrate.Testing;
using QkvMigrate.Testing.Checkpoints;
using QkvMigrate.Testing.Processes;
using QkvMigrate.Trees;
using Xunit;

namespace QkvMigrate.Tests.Files;

/// <summary>What is no regular file is refused, or passed over, before it is opened: to open a FIFO is to wait for ever.</summary>
public sealed class SourceFileTests : IDisposable
{
    private readonly WorkFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_FIFO_is_refused() => AssertRefused(Fifo("pipe"), "a FIFO");

    [Fact]
    public void A_device_is_refused() => AssertRefused("/dev/zero", "a device");

    [Fact]
    public void A_directory_is_refused() => AssertRefused(folder.Path, "a directory");

    [Fact]
    public void A_link_is_what_it_leads_to()
    {
        File.CreateSymbolicLink(folder.At("link"), Fifo("pipe"));
        AssertRefused(folder.At("link"), "a FIFO");
    }

    [Fact]
    public void A_socket_is_refused()
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(folder.At("socket")));
        AssertRefused(folder.At("socket"), "a socket");
    }

    [Fact]
    public void In_a_directory_they_are_passed_over()
    {
        Directory.CreateDirectory(folder.At("model"));
        File.WriteAllBytes(folder.At("model", "lit_model.pth"), FileBytesBefore16);
        File.WriteAllText(folder.At("model", "notes"), "kept");
        Fifo("model", "pipe");
        var unit = Assert.Single(CheckpointTree.Find(folder.Path, CheckpointSelection.All, TestContext.Current.CancellationToken).Units);
        Assert.Equal(["lit_model.pth"], unit.Checkpoints);
        Assert.Equal(["notes"], unit.OtherFiles);
    }

    private static byte[] FileBytesBefore16 => new TorchBefore16File().Bytes();

    private static void AssertRefused(string path, string kind)
    {
        var refused = Assert.Throws<MigrationException>(() => SourceFile.Open(path));
        Assert.Equal($"{path}: this is no regular file but {kind}", refused.Message);
        Assert.Equal(FailureKind.Io, refused.Kind);
        Assert.False(Checkpoint.LooksLikeOne(path));
    }

    private string Fifo(params string[] names)
    {
        Assert.Equal(0, ChildProcess.Run("mkfifo", [folder.At(names)]).ExitCode);
        return folder.At(names);
    }
}
