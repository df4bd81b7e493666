"""The baseline: the national interface as FastAPI's own tutorial would have it. FROZEN.

One route, every field of the 3101 message as a pydantic model (a body model with floats and datetimes), and an answer
of five warnings through a response model. No rules, no record. Every ratio the bench has ever printed rests on this
file, so it is not made faster, slower or more beautiful; a new baseline is a new file.
"""

from datetime import date, datetime

from fastapi import FastAPI
from pydantic import BaseModel

WARNINGS = 5


class Diagnose(BaseModel):
    dise_id: str
    inout_dise_type: str
    maindise_flag: str
    dias_srt_no: str
    dise_codg: str
    dise_name: str
    dise_date: datetime


class Order(BaseModel):
    rx_id: str
    rxno: str
    grpno: str | None = None
    long_drord_flag: str
    hilist_type: str
    chrg_type: str
    drord_bhvr: str
    hilist_code: str
    hilist_name: str
    hilist_dosform: str | None = None
    hilist_lv: str
    hilist_pric: float
    lv1_hosp_item_pric: float | None = None
    lv2_hosp_item_pric: float | None = None
    lv3_hosp_item_pric: float | None = None
    hilist_memo: str | None = None
    hosplist_code: str
    hosplist_name: str
    hosplist_dosform: str | None = None
    cnt: float
    pric: float
    sumamt: float
    ownpay_amt: float | None = None
    selfpay_amt: float | None = None
    spec: str
    spec_unt: str
    drord_begn_date: datetime
    drord_stop_date: datetime | None = None
    drord_dept_codg: str
    drord_dept_name: str
    drord_dr_codg: str
    drord_dr_name: str
    drord_dr_profttl: str
    curr_drord_flag: str


class Operation(BaseModel):
    setl_list_oprn_id: str
    oprn_code: str | None = None
    oprn_name: str | None = None
    main_oprn_flag: str
    oprn_date: date | None = None
    anst_way: str | None = None
    oper_dr_name: str | None = None
    oper_dr_code: str | None = None
    anst_dr_name: str | None = None
    anst_dr_code: str | None = None


class Encounter(BaseModel):
    mdtrt_id: str
    medins_id: str
    medins_name: str
    medins_admdvs: str
    medins_type: str
    medins_lv: str
    wardarea_codg: str | None = None
    wardno: str | None = None
    bedno: str | None = None
    adm_date: datetime
    dscg_date: datetime
    dscg_main_dise_codg: str
    dscg_main_dise_name: str
    fsi_diagnose_dtos: list[Diagnose]
    dr_codg: str
    adm_dept_codg: str
    adm_dept_name: str
    dscg_dept_codg: str
    dscg_dept_name: str
    med_mdtrt_type: str
    med_type: str
    fsi_order_dtos: list[Order]
    matn_stas: str
    medfee_sumamt: float
    ownpay_amt: float
    selfpay_amt: float
    acct_payamt: float | None = None
    ma_amt: float | None = None
    hifp_payamt: float | None = None
    setl_totlnum: int
    insutype: str
    reim_flag: str
    out_setl_flag: str
    fsi_operation_dtos: list[Operation]


class Patient(BaseModel):
    patn_id: str
    patn_name: str
    gend: str
    brdy: date
    poolarea: str
    curr_mdtrt_id: str
    fsi_encounter_dtos: list[Encounter]
    fsi_his_data_dto: str | None = None


class Data(BaseModel):
    syscode: str
    patient_dtos: list[Patient]
    rule_ids: list[str] | None = None
    task_id: str
    trig_scen: str


class Input(BaseModel):
    data: Data


class Message(BaseModel):
    infno: str
    msgid: str
    mdtrtarea_admvs: str
    insuplc_admdvs: str | None = None
    recer_sys_code: str
    dev_no: str | None = None
    dev_safe_info: str | None = None
    cainfo: str | None = None
    signtype: str | None = None
    infver: str
    opter_type: str
    opter: str
    opter_name: str
    inf_time: datetime
    fixmedins_code: str
    fixmedins_name: str
    sign_no: str | None = None
    input: Input


class ResultDetail(BaseModel):
    jrd_id: str
    patn_id: str
    mdtrt_id: str
    rx_id: str
    vola_item_type: str
    vola_amt: float


class Result(BaseModel):
    jr_id: str
    rule_id: str
    rule_name: str
    vola_cont: str
    patn_id: str
    mdtrt_id: str
    judge_result_detail_dtos: list[ResultDetail]
    vola_amt: float
    vola_amt_stas: str
    sev_deg: str
    vola_evid: str
    vola_bhvr_type: str
    task_id: str


class Output(BaseModel):
    result: list[Result]


class Answer(BaseModel):
    infcode: int
    inf_refmsgid: str
    refmsg_time: str
    respond_time: str
    err_msg: str | None = None
    warn_msg: str | None = None
    cainfo: str | None = None
    signtype: str | None = None
    output: Output


app = FastAPI()


@app.post("/national", response_model=Answer)
async def national(message: Message) -> Answer:
    patient = message.input.data.patient_dtos[0]
    encounter = patient.fsi_encounter_dtos[0]
    now = datetime.now()  # noqa: DTZ005 - as a plain route would
    stamp = f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"
    results = [
        Result(
            jr_id=f"JR-{message.msgid[-8:]}-{number}",
            rule_id="R03",
            rule_name="药品限定支付范围",
            vola_cont=f"药品【{order.hilist_name}】超出限定支付范围。",
            patn_id=patient.patn_id,
            mdtrt_id=encounter.mdtrt_id,
            judge_result_detail_dtos=[
                ResultDetail(
                    jrd_id=f"JRD-{message.msgid[-8:]}-{number}",
                    patn_id=patient.patn_id,
                    mdtrt_id=encounter.mdtrt_id,
                    rx_id=order.rx_id,
                    vola_item_type="1",
                    vola_amt=order.sumamt,
                )
            ],
            vola_amt=order.sumamt,
            vola_amt_stas="1",
            sev_deg="1",
            vola_evid="医保药品目录该药备注栏的限定支付条件。",
            vola_bhvr_type="2",
            task_id=message.input.data.task_id,
        )
        for number, order in enumerate(encounter.fsi_order_dtos[:WARNINGS])
    ]
    return Answer(
        infcode=0,
        inf_refmsgid=f"{message.mdtrtarea_admvs}{stamp[:14]}0000000001",
        refmsg_time=stamp,
        respond_time=stamp,
        output=Output(result=results),
    )
