"""Modules of single kinds of instances: image, ultrasound region and waveform.

They follow the IODs of PS3.3: A.2 CR, A.3 CT, A.4 MR, A.6 and A.7 US, A.8 SC, A.26 DX, A.27 MG, A.34.3 12-lead ECG.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pacslab.cohort.anatomy import cr, ct, ecg, head, mg, mr, us
from pacslab.cohort.plan.instance_kinds import Content
from pacslab.cohort.plan.sop_classes import CINE_FRAMES, COLOUR_FRAMES
from pacslab.cohort.render import scanned_pages

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.cohort.encoding.dataset_builder import DatasetBuilder
    from pacslab.cohort.plan.plan import InstancePlan, StudyPlan


def _ct(dataset: DatasetBuilder, _study: StudyPlan) -> None:
    dataset.put(
        ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        BodyPartExamined="CHEST",
        PatientPosition="HFS",
        PositionReferenceIndicator="",
        ContrastBolusAgent="IOHEXOL",
        KVP="120",
        XRayTubeCurrent="210",
        ExposureTime="500",
        SliceThickness="5",
        SpacingBetweenSlices=f"{ct.STEP:g}",
        ReconstructionDiameter=f"{ct.SPACING * ct.SIZE:g}",
        ConvolutionKernel="STANDARD",
        AcquisitionNumber="1",
        ImageOrientationPatient=["1", "0", "0", "0", "1", "0"],
        PixelSpacing=[f"{ct.SPACING:g}", f"{ct.SPACING:g}"],
        RescaleIntercept=str(ct.INTERCEPT),
        RescaleSlope="1",
        RescaleType="HU",
        WindowCenter=["40", "-550"],
        WindowWidth=["400", "1500"],
        WindowCenterWidthExplanation=["MEDIASTINUM", "LUNG"],
    )
    _grey(dataset, (ct.SIZE, ct.SIZE), allocated=16, stored=16, signed=True)


def _radiograph(dataset: DatasetBuilder, _study: StudyPlan) -> None:
    dataset.put(ImageType=["ORIGINAL", "PRIMARY"])
    _chest_exposure(dataset)


def _chest_exposure(dataset: DatasetBuilder) -> None:
    """Add the exposure of a chest on a wall stand, on a plate or on a digital detector."""
    dataset.put(
        BodyPartExamined="CHEST",
        ImageLaterality="U",
        KVP="125",
        DistanceSourceToDetector="1800",
        ImagerPixelSpacing=[f"{cr.SPACING:g}", f"{cr.SPACING:g}"],
        WindowCenter="2048",
        WindowWidth="4096",
    )
    _grey(dataset, (cr.ROWS, cr.COLUMNS), allocated=16, stored=12)


def _ultrasound(dataset: DatasetBuilder, _study: StudyPlan) -> None:
    dataset.put(
        ImageType=["ORIGINAL", "PRIMARY", "ABDOMINAL"],
        BodyPartExamined="ABDOMEN",
        PatientOrientation="",
        TransducerType="CURVED LINEAR",
        BurnedInAnnotation="YES",
        LossyImageCompression="00",
    )
    _region(dataset, 1, us.SECTOR)
    _grey(dataset, (us.ROWS, us.COLUMNS), allocated=8, stored=8)


def _region(dataset: DatasetBuilder, shows: int, place: tuple[int, int, int, int]) -> None:
    """Add a region of an ultrasound image (PS3.3 C.8.5.5).

    ``shows`` is RegionDataType, 1 for tissue and 2 for colour flow; ``place`` is left, top, right and bottom pixel.
    """
    region = dataset.item("SequenceOfUltrasoundRegions")
    region.put(
        RegionSpatialFormat=1,  # two-dimensional
        RegionDataType=shows,
        RegionFlags=0,
        RegionLocationMinX0=place[0],
        RegionLocationMinY0=place[1],
        RegionLocationMaxX1=place[2],
        RegionLocationMaxY1=place[3],
        PhysicalUnitsXDirection=3,  # cm
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=us.PIXEL,
        PhysicalDeltaY=us.PIXEL,
    )


def waveform(dataset: DatasetBuilder, recording: ecg.Ecg) -> None:
    """Add a 12-lead electrocardiogram (PS3.3 C.10.9)."""
    group = dataset.item("WaveformSequence")
    group.put(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=len(ecg.LEADS),
        NumberOfWaveformSamples=len(recording.samples),
        MultiplexGroupLabel="RHYTHM",
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
    )
    group.content("SamplingFrequency", str(ecg.RATE))
    group.content("WaveformData", recording.samples.astype("<i2").tobytes())
    for lead in ecg.LEADS:
        channel = group.item("ChannelDefinitionSequence")
        channel.put(
            ChannelLabel=lead.name,
            ChannelSensitivity=f"{ecg.SENSITIVITY:g}",
            ChannelSensitivityCorrectionFactor="1",
            ChannelBaseline="0",
            ChannelSampleSkew="0",
            WaveformBitsStored=16,
        )
        channel.code("ChannelSourceSequence", lead.code, "MDC", lead.meaning)
        channel.code("ChannelSensitivityUnitsSequence", "uV", "UCUM", "microvolt")


def _digital(dataset: DatasetBuilder, _study: StudyPlan) -> None:
    """Add the modules that DX and MG images share (PS3.3 C.8.11.1, C.8.11.3, C.8.11.4)."""
    dataset.put(
        PresentationIntentType="FOR PRESENTATION",
        ImageType=["ORIGINAL", "PRIMARY", ""],
        PixelIntensityRelationship="LOG",
        PixelIntensityRelationshipSign=-1,
        RescaleIntercept="0",
        RescaleSlope="1",
        RescaleType="US",
        PresentationLUTShape="IDENTITY",
        LossyImageCompression="00",
        BurnedInAnnotation="NO",
        DetectorType="DIRECT",
        AcquisitionDeviceProcessingDescription="",
    )
    dataset.empty_sequence("AcquisitionContextSequence")


def _digital_chest(dataset: DatasetBuilder, study: StudyPlan) -> None:
    _digital(dataset, study)
    dataset.code("AnatomicRegionSequence", "51185008", "SCT", "Chest")
    dataset.put(PositionerType="COLUMN")
    _chest_exposure(dataset)


def _mammogram(dataset: DatasetBuilder, study: StudyPlan) -> None:
    _digital(dataset, study)
    dataset.code("AnatomicRegionSequence", "76752008", "SCT", "Breast")
    dataset.put(
        BodyPartExamined="BREAST",
        OrganExposed="BREAST",
        PositionerType="MAMMOGRAPHIC",
        KVP="28",
        BreastImplantPresent="NO",
        ImagerPixelSpacing=[f"{mg.SPACING:g}", f"{mg.SPACING:g}"],
        WindowCenter=str(mg.WINDOW[0]),
        WindowWidth=str(mg.WINDOW[1]),
    )
    _grey(dataset, (mg.ROWS, mg.COLUMNS), allocated=16, stored=mg.BITS)


def _cine(dataset: DatasetBuilder, study: StudyPlan) -> None:
    _ultrasound(dataset, study)
    dataset.put(NumberOfFrames=str(CINE_FRAMES), FrameTime=str(us.FRAME_TIME), FrameIncrementPointer=0x00181063)


def _colour_cine(dataset: DatasetBuilder, study: StudyPlan) -> None:
    """Add a loop in colour: RGB, with a region of colour flow in that of tissue (PS3.3 C.8.5.5)."""
    _ultrasound(dataset, study)
    dataset.put(
        NumberOfFrames=str(COLOUR_FRAMES),
        FrameTime=str(us.FRAME_TIME),
        FrameIncrementPointer=0x00181063,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
        PlanarConfiguration=0,
        UltrasoundColorDataPresent=1,
    )
    _region(dataset, 2, us.DOPPLER)


def _resonance(weighting: str) -> Callable[[DatasetBuilder, StudyPlan], None]:
    def add(dataset: DatasetBuilder, _study: StudyPlan) -> None:
        sequence = mr.WEIGHTINGS[weighting]
        dataset.put(
            ImageType=["ORIGINAL", "PRIMARY", "M", sequence.scanning_sequence],
            BodyPartExamined="HEAD",
            PatientPosition="HFS",
            PositionReferenceIndicator="",
            ScanningSequence=sequence.scanning_sequence,
            SequenceVariant=sequence.sequence_variant,
            ScanOptions="",
            SequenceName=sequence.name[:16],
            MRAcquisitionType="2D",
            RepetitionTime=f"{sequence.repetition_time:g}",
            EchoTime=f"{sequence.echo_time:g}",
            EchoTrainLength=str(sequence.echo_train),
            FlipAngle=str(sequence.flip_angle),
            **({"InversionTime": f"{sequence.inversion_time:g}"} if sequence.inversion_time else {}),
            MagneticFieldStrength="1.5",
            SliceThickness=f"{mr.THICKNESS:g}",
            SpacingBetweenSlices=f"{head.STEP:g}",
            AcquisitionNumber="1",
            ImageOrientationPatient=[f"{cosine:g}" for cosine in mr.ORIENTATION],
            PixelSpacing=[f"{head.SPACING:g}", f"{head.SPACING:g}"],
            WindowCenter=str(sequence.window[0]),
            WindowWidth=str(sequence.window[1]),
        )
        _grey(dataset, (mr.ROWS, mr.COLUMNS), allocated=16, stored=mr.BITS)

    return add


def _page(dataset: DatasetBuilder, _study: StudyPlan) -> None:
    dataset.put(
        ImageType=["DERIVED", "SECONDARY"],
        ConversionType="SD",
        Laterality="",
        PatientOrientation="",
        BurnedInAnnotation="YES",
    )
    _grey(dataset, (scanned_pages.ROWS, scanned_pages.COLUMNS), allocated=8, stored=8)


def _grey(
    dataset: DatasetBuilder, shape: tuple[int, int], *, allocated: int, stored: int, signed: bool = False
) -> None:
    dataset.put(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=shape[0],
        Columns=shape[1],
        BitsAllocated=allocated,
        BitsStored=stored,
        HighBit=stored - 1,
        PixelRepresentation=int(signed),
    )


SERIES: dict[Content, Callable[[DatasetBuilder, StudyPlan], None]] = {
    Content.CT_SLICE: _ct,
    Content.MR_T1: _resonance("t1"),
    Content.MR_T2: _resonance("t2"),
    Content.MR_FLAIR: _resonance("flair"),
    Content.RADIOGRAPH: _radiograph,
    Content.DIGITAL_RADIOGRAPH: _digital_chest,
    Content.MAMMOGRAM: _mammogram,
    Content.CINE: _cine,
    Content.COLOUR_CINE: _colour_cine,
    Content.ULTRASOUND: _ultrasound,
    Content.COVER_PAGE: _page,
    Content.LETTER: _page,
}
"""Builders of the attributes that all instances of a series share, by content."""


def _ct_slice(dataset: DatasetBuilder, study: StudyPlan, instance: InstancePlan) -> None:
    corner = f"{-ct.SPACING * (ct.SIZE - 1) / 2:g}"
    position = f"{ct.STEP * (instance.number - 1):g}"
    dataset.put(
        FrameOfReferenceUID=study.frame_of_reference,
        ImagePositionPatient=[corner, corner, position],
        SliceLocation=position,
    )


def _head_slice(dataset: DatasetBuilder, study: StudyPlan, instance: InstancePlan) -> None:
    x, y, z = mr.position(instance.number - 1)
    dataset.put(
        FrameOfReferenceUID=study.frame_of_reference,
        ImagePositionPatient=[f"{x:g}", f"{y:g}", f"{z:g}"],
        SliceLocation=f"{z:g}",
    )


def _chest_view(dataset: DatasetBuilder, _study: StudyPlan, instance: InstancePlan) -> None:
    view = cr.VIEWS[instance.number - 1]
    dataset.put(ViewPosition=view, PatientOrientation=list(cr.PATIENT_ORIENTATION[view]))


def _breast_view(dataset: DatasetBuilder, _study: StudyPlan, instance: InstancePlan) -> None:
    laterality, view = mg.VIEWS[instance.number - 1]
    dataset.put(
        ImageLaterality=laterality,
        ViewPosition=view,
        PatientOrientation=list(mg.PATIENT_ORIENTATION[laterality, view]),
    )
    code, meaning = mg.VIEW_CODES[view]
    dataset.code("ViewCodeSequence", code, "SCT", meaning).empty_sequence("ViewModifierCodeSequence")


def _ecg(dataset: DatasetBuilder, _study: StudyPlan, instance: InstancePlan) -> None:
    dataset.moment("AcquisitionDateTime", instance.time, "X/Z/D")
    dataset.empty_sequence("AcquisitionContextSequence")


INSTANCE: dict[Content, Callable[[DatasetBuilder, StudyPlan, InstancePlan], None]] = {
    Content.CT_SLICE: _ct_slice,
    Content.RADIOGRAPH: _chest_view,
    Content.DIGITAL_RADIOGRAPH: _chest_view,
    Content.MAMMOGRAM: _breast_view,
    Content.MR_T1: _head_slice,
    Content.MR_T2: _head_slice,
    Content.MR_FLAIR: _head_slice,
    Content.ECG: _ecg,
}
"""Builders of the attributes of single instances, by content."""
