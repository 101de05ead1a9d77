import { defineConfig } from 'vitest/config'

const EXHAUSTIVE = 'test/{unit,contract}/**/*.exhaustive.test.ts'

export default defineConfig({
  test: {
    // By default one core is left idle, which is half of a small machine.
    maxWorkers: '100%',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts'],
          exclude: [EXHAUSTIVE],
          // No module holds state, so files share their imports: half the time.
          isolate: false,
          // For tests that hang, not for machines that are busy.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // Every byte, every call, every fault: as much time as all the others together.
          name: 'exhaustive',
          include: [EXHAUSTIVE],
          isolate: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // The test vectors, checked by programs that share no code with ours: Debian packages, no root.
          name: 'vectors',
          include: ['test/vectors/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // Real stores on this machine: D1 in workerd, DynamoDB in an emulator. npm packages, no root.
          name: 'stores',
          include: ['test/stores/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // The built programs on each runtime: a process, workerd, and a function called as AWS calls it.
          name: 'runtimes',
          include: ['test/conformance/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // What is deployed, as templates: npm packages, no network, no account.
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          isolate: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // Single real DNS servers on loopback: Debian packages, no root.
          name: 'servers',
          include: ['test/servers/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // Real daemons, and the kernel itself, in network namespaces: root, Debian packages, one file
          // at a time.
          name: 'lab',
          include: ['test/lab/**/*.test.ts', 'test/kernel/**/*.test.ts'],
          fileParallelism: false,
          // What is waited for has deadlines of its own, which name it.
          testTimeout: 240_000,
          hookTimeout: 240_000,
        },
      },
    ],
  },
})
