// What Grafana 11.6 publishes of a dashboard (npm: @grafana/schema), put together so that plain JSON can be checked.
// The published types leave a panel's options and its fields' own options open, and say them in a file a panel: here each
// panel has its own. They give no type for a data source's query or a field's link: those are Grafana's own code,
// packages/grafana-sql/src/types.ts, packages/grafana-prometheus/src/types.ts and packages/grafana-data/src/types/dataLink.ts.
import type * as schema from '@grafana/schema';
import type * as barchart from './node_modules/@grafana/schema/dist/esm/raw/composable/barchart/panelcfg/x/BarChartPanelCfg_types.gen';
import type * as bargauge from './node_modules/@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as gauge from './node_modules/@grafana/schema/dist/esm/raw/composable/gauge/panelcfg/x/GaugePanelCfg_types.gen';
import type * as geomap from './node_modules/@grafana/schema/dist/esm/raw/composable/geomap/panelcfg/x/GeomapPanelCfg_types.gen';
import type * as heatmap from './node_modules/@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as stat from './node_modules/@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as states from './node_modules/@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as table from './node_modules/@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as text from './node_modules/@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as timeseries from './node_modules/@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type * as trend from './node_modules/@grafana/schema/dist/esm/raw/composable/trend/panelcfg/x/TrendPanelCfg_types.gen';

// JSON knows no enums: each member stands for its value.
type Plain<T> = 0 extends 1 & T
  ? any
  : T extends string
    ? string extends T ? string : `${T}`
    : T extends number | boolean | null | undefined
      ? T
      : T extends Array<infer U>
        ? Array<Plain<U>>
        : T extends object
          ? { [K in keyof T]: Plain<T[K]> }
          : T;

interface SqlQuery extends schema.DataQuery {
  datasource: { type: 'grafana-postgresql-datasource'; uid: 'vigil-history' };
  editorMode: 'code';
  format: 'table' | 'time_series';
  rawQuery: true;
  rawSql: string;
}

interface PromQuery extends schema.DataQuery {
  datasource: { type: 'prometheus'; uid: 'vigil-prometheus' };
  editorMode: 'code';
  expr: string;
  exemplar?: boolean;
  format: 'table' | 'time_series' | 'heatmap';
  instant: boolean;
  range: boolean;
  legendFormat: string;
}

interface DataLink {
  title: string;
  url: string;
  targetBlank: boolean;
}

type Own<C> = { [K in keyof C & string]-?: { id: `custom.${K}`; value: NonNullable<C[K]> } }[keyof C & string];

interface Override<C> {
  matcher: { id: 'byName' | 'byRegexp' | 'byType' | 'byFrameRefID'; options: string };
  properties: Array<
    | { id: 'displayName' | 'unit' | 'noValue'; value: string }
    | { id: 'decimals' | 'min' | 'max'; value: number }
    | { id: 'thresholds'; value: schema.ThresholdsConfig }
    | { id: 'color'; value: schema.FieldColor }
    | { id: 'mappings'; value: schema.ValueMapping[] }
    | { id: 'links'; value: DataLink[] }
    | Own<C>
  >;
}

interface PanelOf<Kind extends string, Options, Custom>
  extends Omit<schema.Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource'> {
  type: Kind;
  id: number;
  title: string;
  description: string;
  gridPos: schema.GridPos;
  pluginVersion: string;
  options: Options;
  fieldConfig: {
    defaults: Omit<schema.FieldConfig, 'custom' | 'links'> & { custom?: Custom; links?: DataLink[]; unit: string; noValue: string };
    overrides: Array<Override<Custom>>;
  };
  datasource?: schema.DataSourceRef;
  targets?: Array<SqlQuery | PromQuery>;
}

type None = Record<never, never>;

type Panel =
  | PanelOf<'barchart', barchart.Options, barchart.FieldConfig>
  | PanelOf<'bargauge', bargauge.Options, None>
  | PanelOf<'gauge', gauge.Options, None>
  | PanelOf<'geomap', geomap.Options, { hideFrom: schema.HideSeriesConfig }>
  | PanelOf<'heatmap', heatmap.Options, heatmap.FieldConfig>
  | PanelOf<'stat', stat.Options, None>
  | PanelOf<'state-timeline', states.Options, states.FieldConfig>
  | PanelOf<'table', table.Options, table.FieldConfig>
  | PanelOf<'text', text.Options, None>
  | PanelOf<'timeseries', timeseries.Options, timeseries.FieldConfig>
  | PanelOf<'trend', trend.Options, trend.FieldConfig>;

interface Row extends Omit<schema.RowPanel, 'panels'> {
  panels: Panel[];
}

interface Annotation extends Omit<schema.AnnotationQuery, 'target'> {
  target: SqlQuery;
}

interface Dashboard extends Omit<schema.Dashboard, 'panels' | 'annotations'> {
  uid: string;
  title: string;
  panels: Array<Panel | Row>;
  annotations: { list: Annotation[] };
}

export type Board = Plain<Dashboard>;
