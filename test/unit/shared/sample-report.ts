import type { Report } from '../../../shared/report.ts'

/** A valid report with some members replaced, also by invalid values. */
export function sampleReport(change: object = {}): Report {
  const report = {
    v: 1,
    host: 'nas',
    seq: 1_767_225_600_000,
    prefix: { current: '2001:db8:2::/64', cause: 'flash' },
    records: [{ name: 'www.example.org', type: 'AAAA', values: ['2001:db8:2:0:1::2'] }],
    steps: [{ step: 'address', target: 'web', outcome: 'done', ms: 1.5 }],
    log: { size: 0, root: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
    agent: '0.1.0',
    ...change,
  }
  return report as unknown as Report
}
