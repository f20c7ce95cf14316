"""The rows of the service's board about what it stands on: journal, disk, history, process, clock."""

from __future__ import annotations

from typing import Final

from alerts.text import Text
from deploy.boards.board import Row
from deploy.boards.field import Cell, Column, Field, Step
from deploy.boards.panel import Head, table
from deploy.boards.query import Prom, Sql, sql_beside
from deploy.boards.service_panels import LAGS, course

__all__ = ["PROCESS", "STORAGE"]

SQL: Final = sql_beside("service")

STORAGE = Row(
    Text("Journal, disk and history", "日志、磁盘与历史库"),
    (
        course(
            "journal-fill",
            Text("How full the journal is", "日志占用"),
            Text(
                "Telemetry at 100 % sheds its oldest; control is never shed. It grows while the database is away.",
                "遥测满 100% 时丢弃最旧数据；控制类从不丢弃。数据库中断时增长。",
            ),
            (Prom("max by (lane) (vigil:journal_fill:ratio)", "{{lane}}"),),
            "percentunit",
            steps=(Step(None, "green"), Step(0.5, "orange"), Step(0.9, "red")),
        ),
        course(
            "commit",
            Text("A journal commit takes", "日志提交用时"),
            Text(
                "99 in a hundred are faster. Over 0.1 s the disk is slow, and alarms wait for it.",
                "p99。超过 0.1 秒说明磁盘慢，报警需等待。",
            ),
            (
                Prom(
                    "histogram_quantile(0.99, sum by (le, lane) (rate(vigil_journal_commit_seconds_bucket[5m])))",
                    "{{lane}}",
                ),
            ),
            "s",
            log=True,
        ),
        course(
            "disk",
            Text("Room left on the disk", "磁盘剩余"),
            Text("Of the file system of data_dir.", "data_dir 所在文件系统。"),
            (Prom("min by (instance) (vigil:disk_free:ratio)", "{{instance}}"),),
            "percentunit",
            steps=(Step(None, "red"), Step(0.05, "orange"), Step(0.2, "green")),
        ),
        course(
            "losses",
            Text("What the journal lost, a day", "日志丢失（每天）"),
            Text(
                "Gap records, by reason, and readings shed. History has a gap there.",
                "缺口记录（按原因）与丢弃的读数。历史将有缺口。",
            ),
            (
                Prom("sum by (reason) (increase(vigil_journal_gaps_total[1d]))", "gap: {{reason}}"),
                Prom("sum(increase(vigil_journal_shed_readings_total[1d]))", "readings shed"),
            ),
            "short",
        ),
        course(
            "archive",
            Text("Rows stored a second, and repeats", "每秒入库与重复"),
            Text(
                "Repeats are left out; retries are deadlocks and time-outs, tried again.",
                "重复数据略去；重试为死锁或超时。",
            ),
            (
                Prom("sum(rate(vigil_archive_rows_total[$__rate_interval]))", "rows"),
                Prom("sum(rate(vigil_archive_duplicates_total[$__rate_interval]))", "duplicates"),
                Prom("sum(rate(vigil_archive_retries_total[$__rate_interval]))", "retries"),
                Prom("sum(rate(vigil_archive_failures_total[$__rate_interval]))", "database lost"),
                Prom("sum(rate(vigil_archive_set_aside_total[$__rate_interval]))", "set aside"),
            ),
            "short",
            log=True,
        ),
        course(
            "archive-lag",
            Text("History is behind by", "历史库延迟"),
            Text(
                "Alarms do not wait for it. Over 5 minutes: is the database up, and fast enough?",
                "报警不受影响。超过 5 分钟请检查数据库。",
            ),
            (Prom("max by (instance) (vigil_archive_lag_seconds)", "{{instance}}"),),
            "s",
            steps=LAGS,
        ),
        course(
            "rollup-lag",
            Text("Rollups are behind by", "汇总滞后"),
            Text(
                "Behind what is archived, by level. Minutes over half an hour: boards of long ranges grow slow.",
                "落后于入库数据（按级别）。分钟级超过半小时，长时段看板会变慢。",
            ),
            (Prom("max by (level) (vigil_upkeep_rollup_lag_seconds)", "{{level}}"),),
            "s",
        ),
        course(
            "upkeep",
            Text("Upkeep of the history, an hour", "历史库维护（每小时）"),
            Text(
                "Rounds, and what went wrong; partitions that had expired; hours rolled up anew for late readings.",
                "维护轮次及其失败；过期分区；因迟到读数重新汇总的小时数。",
            ),
            (
                Prom("sum(increase(vigil_upkeep_rounds_total[1h]))", "rounds"),
                Prom("sum(increase(vigil_upkeep_failures_total[1h]))", "failures"),
                Prom("sum(increase(vigil_upkeep_retries_total[1h]))", "retries"),
                Prom("sum(increase(vigil_upkeep_partitions_dropped_total[1h]))", "partitions dropped"),
                Prom("sum(increase(vigil_upkeep_late_rolled_total[1h]))", "late hours rolled up"),
                Prom("sum(increase(vigil_upkeep_late_forgotten_total[1h]))", "late hours given up"),
            ),
            "short",
            log=True,
        ),
        course(
            "late",
            Text("Late hours that wait", "待重新汇总的小时"),
            Text(
                "Hours of channels that got readings after they were rolled up. Steadily rising: much comes late, or "
                "the upkeep stands still.",
                "汇总后又收到读数的通道小时数。持续上升说明迟到数据多，或维护停滞。",
            ),
            (Prom("sum(vigil_upkeep_late_hours)", "waiting"),),
            "short",
        ),
        table(
            Head(
                "rollups",
                Text("Rollups", "汇总进度"),
                Text(
                    "Up to when readings are rolled up, on plain PostgreSQL. Minutes more than half an hour "
                    "behind: see the upkeep lines of the log.",
                    "普通 PostgreSQL 上的汇总进度。分钟级落后超过半小时请查看日志中的维护记录。",
                ),
                8,
                7,
            ),
            Sql(SQL["rollups"]),
            Field(
                "none",
                Text("TimescaleDB does it: `vigil storage status`", "由 TimescaleDB 完成：`vigil storage status`"),
            ),
            (
                Column("level", Text("Level", "级别")),
                Column("watermark", Text("Up to", "截至")),
                Column("behind_s", Text("Behind", "落后"), unit="s", decimals=0),
                Column("updated", Text("Last run", "上次运行")),
            ),
        ),
        table(
            Head(
                "archived",
                Text("Archived, as the database has it", "入库进度（数据库）"),
                Text("One row a journal. An old journal stays as it was left.", "每个日志一行。旧日志保持最后状态。"),
                8,
                7,
            ),
            Sql(SQL["archived"]),
            Field("none", Text("nothing was ever archived", "从未入库")),
            (
                Column("journal_id", Text("Journal", "日志")),
                Column("read_to", Text("Up to", "截至")),
                Column("behind_s", Text("Behind", "落后"), unit="s", steps=LAGS, cell=Cell.TEXT, decimals=0),
                Column("position", Text("Offset", "位置")),
            ),
        ),
        table(
            Head(
                "gaps",
                Text("Gaps in the history", "历史缺口"),
                Text("What the journal lost for good, and why.", "日志永久丢失的部分及原因。"),
                8,
                7,
            ),
            Sql(SQL["gaps"]),
            Field("none", Text("no gap", "无缺口")),
            (
                Column("noted", Text("Noted", "记录时间")),
                Column("lane", Text("Lane", "通道")),
                Column("first_time", Text("From", "起")),
                Column("last_time", Text("To", "止")),
                Column("records", Text("Records", "记录")),
                Column("readings", Text("Readings", "读数")),
                Column("reason", Text("Why", "原因")),
            ),
        ),
    ),
)

PROCESS = Row(
    Text("Process, clock, doors", "进程、时钟与入口"),
    (
        course(
            "cpu",
            Text("CPU", "处理器"),
            Text("Cores in use.", "占用核数。"),
            (
                Prom(
                    'sum by (instance) (rate(process_cpu_seconds_total{job="vigil"}[$__rate_interval]))', "{{instance}}"
                ),
            ),
            "short",
        ),
        course(
            "memory",
            Text("Memory", "内存"),
            Text("Resident. A line that rises for days is a fault: tell us.", "常驻内存。连续数天上升属故障，请反馈。"),
            (Prom('sum by (instance) (process_resident_memory_bytes{job="vigil"})', "{{instance}}"),),
            "bytes",
        ),
        course(
            "files",
            Text("Open files", "打开文件"),
            Text("Of those allowed.", "占允许数量的比例。"),
            (Prom('max by (instance) (process_open_fds{job="vigil"} / process_max_fds{job="vigil"})', "{{instance}}"),),
            "percentunit",
            steps=(Step(None, "green"), Step(0.8, "red")),
        ),
        course(
            "clock",
            Text("Clock", "时钟"),
            Text(
                "How far Vigil's time is from the wall clock, and how far the clock is behind the journal.",
                "系统时间与墙钟的偏差，以及落后于日志的时间。",
            ),
            (
                Prom("max by (instance) (vigil_clock_offset_seconds)", "{{instance}} offset"),
                Prom("max by (instance) (vigil_journal_clock_behind_seconds)", "{{instance}} behind the journal"),
            ),
            "s",
            low=None,
        ),
        course(
            "certificates",
            Text("Certificates last", "证书有效期"),
            Text("Days left; under 21 an alert says so.", "剩余天数；少于 21 天告警。"),
            (Prom("(vigil_certificate_expiry_timestamp_seconds - time()) / 86400", "{{certificate}}"),),
            "d",
            empty=Text("no certificate is watched", "未监视证书"),
            steps=(Step(None, "red"), Step(3, "orange"), Step(21, "green")),
        ),
        course(
            "refused",
            Text("Refused at the door, an hour", "拒绝访问（每小时）"),
            Text(
                "guessing, bad_link, bad_token: somebody may be trying keys.",
                "guessing、bad_link、bad_token：可能有人在试探。",
            ),
            (Prom("sum by (reason) (increase(vigil_console_refused_total[1h])) > 0", "{{reason}}"),),
            "short",
            empty=Text("nobody was refused", "无拒绝"),
        ),
    ),
    folded=True,
)
