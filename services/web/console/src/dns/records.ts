/** Records in master-file form (RFC 1035 §5), cut into their fields. Pure. */

export interface Zone {
  readonly apex: string;
  readonly serial: number | null;
  readonly records: number;
}

export interface DnsRecord {
  readonly line: string;
  readonly name: string;
  readonly ttl: string;
  readonly type: string;
  readonly data: string;
}

const RECORD = /^(\S+)\s+(?:(\d+)\s+)?(?:(?:IN|CH|HS)\s+)?(\S+)\s*(.*)$/;

export function read(line: string): DnsRecord {
  const [, name = line, ttl = "", type = "", data = ""] = RECORD.exec(line) ?? [];
  return { line, name, ttl, type, data };
}
