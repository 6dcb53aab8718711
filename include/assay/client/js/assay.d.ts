/** Types of assay.js, the client for datasets that Assay publishes. */

export declare const MAX_COMPARED: number;
export declare const LOWER_IS_BETTER: ReadonlySet<string>;

export type ErrorCode = "unreachable" | "not-published" | "corrupt" | "superseded" | "usage";

export declare class AssayClientError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string);
}

export interface Copy {
  etag: string;
  body: Uint8Array;
}

/** Where copies of documents are kept, by URL. */
export interface CopyCache {
  get(url: string): Promise<Copy | undefined>;
  set(url: string, copy: Copy): Promise<void>;
}

export declare class MemoryCache implements CopyCache {
  get(url: string): Promise<Copy | undefined>;
  set(url: string, copy: Copy): Promise<void>;
}

export interface Options {
  /** `latest` (default), or the name of a snapshot, such as `2024-11-20`, which never changes. */
  snapshot?: string;
  /** Whether every document's SHA-256 is compared with the manifest. Default: true. */
  verify?: boolean;
  /** Default: one in memory, shared by all datasets of the program; null for none. */
  cache?: CopyCache | null;
  /** Whether to send If-None-Match with the ETag of a copy. Default: not in a browser, which does so by itself. */
  conditional?: boolean;
  headers?: Record<string, string>;
  /** Of one request, in milliseconds. Default: 30,000. */
  timeoutMs?: number;
  /** Of one document. Default: 256 MiB. */
  maxBytes?: number;
  /** Requests for a document before it counts as unreachable. Default: 4. */
  attempts?: number;
  /** First pause between two attempts, in milliseconds; it doubles. Default: 500. */
  pauseMs?: number;
  fetch?: typeof globalThis.fetch;
}

export type Architecture = "intel" | "amd" | "graviton" | "other";

/** One published number. What is not known is null; nothing is ever zero for want of a measurement. */
export interface Result {
  instance: string;
  family: string | null;
  architecture: Architecture | null;
  generation: number | null;
  vcpus: number | null;
  benchmark: string;
  metric: string;
  /** Median over `n` executions, in `unit`. */
  value: number;
  unit: string;
  ci_low: number | null;
  ci_high: number | null;
  n: number | null;
  sessions?: number | null;
  /** Coefficient of variation in percent. */
  cv?: number | null;
  quality?: string | null;
  implementation?: string | null;
  configuration?: string | null;
  document: string;
  /** From fewer than three executions: without interval, in no ranking. */
  provisional: boolean;
  /** A ratio of published medians. */
  derived: boolean;
  /** Of another configuration than the one that fills the benchmark's container. */
  variant: boolean;
}

type OneOrMore<T> = T | readonly T[];

export interface MachineFilter {
  instance?: OneOrMore<string>;
  family?: OneOrMore<string>;
  architecture?: OneOrMore<Architecture>;
  generation?: OneOrMore<number>;
  vcpus?: OneOrMore<number>;
}

export interface ResultFilter extends MachineFilter {
  benchmark?: OneOrMore<string>;
  metric?: OneOrMore<string>;
  unit?: OneOrMore<string>;
  quality?: OneOrMore<string>;
  /** false leaves out what has no interval. Default: true. */
  provisional?: boolean;
  /** true gives other configurations too. Default: false. */
  variants?: boolean;
}

export interface Ranked {
  rank: number;
  instance: string;
  value: number;
  unit: string;
  confidence_interval: [number, number];
  quality?: string;
  higher_is_better: boolean;
}

export type Verdict =
  | "baseline"
  | "better"
  | "worse"
  | "no difference beyond noise"
  | "too few executions to tell"
  | "not comparable: measured in another configuration";

export interface Comparison {
  benchmark: string;
  metric: string;
  unit: string;
  instance: string;
  value: number;
  ci_low: number | null;
  ci_high: number | null;
  n: number | null;
  /** To the first type; null where the two are not comparable. */
  ratio: number | null;
  ratio_low: number | null;
  ratio_high: number | null;
  verdict: Verdict;
}

export interface Price {
  instance: string;
  region: string;
  currency: string;
  /** Of one hour; null where there is none, and `reason` says why. */
  price: number | null;
  source?: string;
  as_of?: string;
  reason?: string;
  metric?: string;
  value_per_dollar?: number;
  unit?: string;
}

export interface Point {
  date: string;
  period?: "week";
  value: number;
  confidence_interval?: [number, number];
  sample_size: number;
  source: number;
}

export interface ChangePoint {
  date: string;
  before: number;
  after: number;
  change_percent?: number;
  confidence: number;
  source: number;
}

export interface Series {
  instance: string;
  ranking: string;
  key: Record<string, string>;
  unit: string;
  points: Point[];
  change_points: ChangePoint[];
}

export interface Reason {
  rule: string;
  file: string;
  value: string;
  expected: string;
  message: string;
}

export interface Quarantined {
  session: string;
  kind: string;
  subject: string;
  reasons: Reason[];
}

export interface Metadata {
  schema_version: string;
  dataset: string;
  dataset_version: string;
  last_updated: string;
  licence: string;
  attribution: { source: string; attribution: string; licence: string; url?: string; sessions: number }[];
  counts: Record<string, number>;
  accounting: { read: number; accepted: number; quarantined: number; rejected: number };
  quality_score: number;
  grades: Record<string, string>;
  [further: string]: unknown;
}

export declare class Dataset {
  readonly base: string;
  readonly snapshot: string;
  readonly verified: boolean;
  constructor(base: string | URL, options?: Options);
  document<T = unknown>(name: string): Promise<T>;
  read(name: string): Promise<Uint8Array>;
  documents(): Promise<string[]>;
  metadata(): Promise<Metadata>;
  results(filter?: ResultFilter): Promise<Result[]>;
  rankings(): Promise<string[]>;
  rank(ranking: string, filter?: MachineFilter): Promise<Ranked[]>;
  compare(instances: readonly string[], filter?: ResultFilter): Promise<Comparison[]>;
  prices(filter?: { instance?: OneOrMore<string>; region?: OneOrMore<string>; metric?: OneOrMore<string> }): Promise<Price[]>;
  trends(filter?: { instance?: OneOrMore<string>; ranking?: OneOrMore<string> }): Promise<Series[]>;
  quarantine(): Promise<Quarantined[]>;
  verify(): Promise<number>;
}

export declare function openDataset(base: string | URL, options?: Options): Dataset;
export declare function compareResults(results: readonly Result[], instances: readonly string[]): Comparison[];
export declare function verdict(base: Result, other: Result): Verdict;
